"""One module a tool: each explains the same work, as its users would have it do."""
