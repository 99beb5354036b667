/* Requests a signature of a SavedModel through TensorFlow's C API: no Python, no Keras, no tf_salience.
 *
 *   served FOLDER INPUT OUTPUT BATCH TOKENS < int32 ids
 *
 * FOLDER: the SavedModel. INPUT, OUTPUT: names of tensors in its graph, `name:0`. It prints the scores,
 * one per line, then sends an id that is out of range, prints TensorFlow's message, and sends the first
 * request again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static TF_Output find(TF_Graph *graph, char *name) {
  char *colon = strrchr(name, ':');
  *colon = '\0';
  TF_Output output = {TF_GraphOperationByName(graph, name), atoi(colon + 1)};
  if (output.oper == NULL) {
    fprintf(stderr, "no operation %s\n", name);
    exit(1);
  }
  return output;
}

static int send(TF_Session *session, TF_Output in, TF_Output out, const int32_t *ids, int64_t batch,
               int64_t tokens, int print) {
  TF_Status *status = TF_NewStatus();
  int64_t dims[2] = {batch, tokens};
  size_t size = (size_t)(batch * tokens) * sizeof(int32_t);
  TF_Tensor *request = TF_AllocateTensor(TF_INT32, dims, 2, size);
  TF_Tensor *answer = NULL;
  memcpy(TF_TensorData(request), ids, size);
  TF_SessionRun(session, NULL, &in, &request, 1, &out, &answer, 1, NULL, 0, NULL, status);
  int failed = TF_GetCode(status) != TF_OK;
  if (failed) {
    printf("error %d: %.400s\n", TF_GetCode(status), TF_Message(status));
  } else if (print) {
    const float *scores = TF_TensorData(answer);
    for (int64_t i = 0; i < TF_Dim(answer, 0) * TF_Dim(answer, 1); i++) printf("%.9g\n", scores[i]);
  }
  if (answer != NULL) TF_DeleteTensor(answer);
  TF_DeleteTensor(request);
  TF_DeleteStatus(status);
  return failed;
}

int main(int argc, char **argv) {
  if (argc != 6) return 1;
  int64_t batch = atoll(argv[4]), tokens = atoll(argv[5]);
  int32_t *ids = malloc((size_t)(batch * tokens) * sizeof(int32_t));
  if (fread(ids, sizeof(int32_t), (size_t)(batch * tokens), stdin) != (size_t)(batch * tokens)) return 1;
  const char *tags[] = {"serve"};
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    return 1;
  }
  TF_Output in = find(graph, argv[2]), out = find(graph, argv[3]);
  if (send(session, in, out, ids, batch, tokens, 1)) return 1;
  int32_t first_id = ids[0];
  ids[0] = 1000000;
  if (!send(session, in, out, ids, batch, tokens, 0)) return 1;
  ids[0] = first_id;
  if (send(session, in, out, ids, batch, tokens, 0)) return 1;
  printf("the next request is answered\n");
  return 0;
}
