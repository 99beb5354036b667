// A list of examples: DataTables sorts it, filters it, and keeps no more rows in the page than are seen.

import { DataTable } from "itables";
import { element } from "./dom.js";

const narrow = matchMedia("(max-width: 720px)");

/**
 * Makes a list with a row for each example.
 *
 * A column has `name`, `title`, `value(example)`, by which it is sorted, and `show(example)`, which returns
 * text or a node. Its `kind` is its classes: "number", and "wide", which a narrow window has no room for.
 *
 * @param {object} options `label`, `size`, `columns`, `passes(example)`, `onSort(sort)`.
 */
export class List {
  constructor({ label, size, columns, passes, onSort }) {
    this.node = element("div", { class: "list", keydown: (event) => this.step(event) });
    this.columns = columns;
    this.passes = passes;
    this.onSort = onSort;
    this.options = { label, size };
    this.table = null;
    this.focused = -1;
    this.isMeasured = false;
    narrow.addEventListener("change", () => this.fit());
  }

  /** Builds the table, once the list stands in the page. */
  build(sort) {
    const node = element("table", { "aria-label": this.options.label });
    this.node.replaceChildren(node);
    this.table = new DataTable(node, {
      data: Array.from({ length: this.options.size }, (_, example) => [example]),
      columns: this.columns.map((column) => this.definition(column)),
      order: this.orderOf(sort),
      autoWidth: false,
      deferRender: true,
      scroller: { displayBuffer: 2 },
      scrollY: "max(240px, calc(100vh - 300px))",
      scrollCollapse: true,
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      language: { emptyTable: "No examples", zeroRecords: "No example passes the filters" },
    });
    this.table.search.fixed("filters", (_, row) => this.passes(row[0]));
    this.table.on("order", () => this.onOrder());
    this.table.on("draw", () => this.restoreFocus());
    this.table.on("draw", () => this.letScroll());
    this.fit();
    this.table.draw();
    this.measure();
  }

  /** What scrolls can be reached by the keyboard: by a row, or else itself. */
  letScroll() {
    const isEmpty = this.table.page.info().recordsDisplay === 0;
    this.node.querySelector(".dt-scroll-body")?.setAttribute("tabindex", isEmpty ? "0" : "-1");
  }

  fit() {
    this.table?.columns(".wide").visible(!narrow.matches);
  }

  /** Measures columns and rows, once the list is seen: an example's neighbours are known before. */
  measure() {
    if (this.isMeasured || !this.node.offsetParent) return;
    this.isMeasured = true;
    this.table.columns.adjust();
    this.table.scroller.measure();
  }

  definition({ title, kind, value, show }) {
    return {
      title,
      className: kind,
      searchable: false,
      orderSequence: kind.includes("number") ? ["desc", "asc", ""] : ["asc", "desc", ""],
      type: kind.includes("number") ? "num" : "string",
      data: ([example], type) => {
        if (type === "display") return show(example);
        return ordered(value(example));
      },
    };
  }

  /** Draws again after a change of the filters (`isData` false) or of the values, too. */
  update(sort, isData) {
    if (!this.table) return this.build(sort);
    if (isData) this.table.rows().invalidate();
    const order = this.orderOf(sort);
    if (JSON.stringify(order) !== JSON.stringify(this.present())) this.table.order(order);
    this.table.draw();
    this.measure();
    return undefined;
  }

  /** The examples that pass, in the order of the list. */
  examples() {
    return this.table
      .rows({ search: "applied", order: "applied" })
      .data()
      .toArray()
      .map(([example]) => example);
  }

  /** Scrolls to an example and gives it the focus. */
  reveal(example) {
    this.focused = example;
    this.table.row(example).scrollTo(false);
    this.restoreFocus();
  }

  orderOf(sort) {
    const index = this.columns.findIndex(({ name }) => name === sort.replace(/^-/, ""));
    return index < 0 ? [] : [[index, sort.startsWith("-") ? "desc" : "asc"]];
  }

  present() {
    return this.table
      .order()
      .filter(([, direction]) => direction)
      .map(([index, direction]) => [index, direction]);
  }

  onOrder() {
    const [[index, direction] = []] = this.present();
    const sort = index === undefined ? "" : this.columns[index].name;
    this.onSort(direction === "desc" ? `-${sort}` : sort);
  }

  /** The arrow keys go from row to row, Page Up and Page Down by ten, Home to the first. */
  step(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity };
    const row = event.target.closest?.("tbody tr");
    if (!row || !(event.key in moves)) return;
    event.preventDefault();
    const order = this.table.rows({ search: "applied", order: "applied" }).indexes().toArray();
    const place = order.indexOf(this.table.row(row).index()) + moves[event.key];
    const next = Math.min(Math.max(place, 0), order.length - 1);
    this.reveal(order[next]);
  }

  restoreFocus() {
    if (this.focused < 0) return;
    const link = this.table.row(this.focused).node()?.querySelector("a");
    if (!link?.isConnected) return;
    link.focus({ preventScroll: true });
    this.focused = -1;
  }
}

/** What DataTables sorts: NaN stands below every number. */
function ordered(value) {
  return Number.isNaN(value) || value === null || value === undefined ? -Infinity : value;
}
