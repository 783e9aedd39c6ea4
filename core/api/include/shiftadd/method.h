/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The border between the program and a quantization method in a shared library: plain C, no library of either side.
 *
 * A method library exports one function, `shiftadd_method_entry`, and lies beside a metadata file (plugins/README.md).
 * For every input of a decoder block (q, k and v read the same one) the host calls `create` once, `quantize` for each
 * layer that reads it, and `destroy`. Matrices are row-major and the host's: an input stays where it is until
 * `destroy`, a layer until `quantize` returns; a table of functions is good for the call that brings it.
 *
 * Rules for a method:
 * - Results depend on the arguments alone: no clock, no unseeded random numbers, nothing that varies with the number of
 *   threads. `quantize` of one instance may be called from several threads at once, unless the metadata says
 *   "threads": "own"; then layers come one after the other and the method may use the host's parallel_for.
 * - No exception may leave it, it does not print, and it does not write to what it is given.
 * - It looks at `cancelled` at least every few milliseconds and then returns SHIFTADD_CANCELLED.
 */
#ifndef SHIFTADD_METHOD_H
#define SHIFTADD_METHOD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised by any change that an older library would not survive. Members are only ever added at the end of a struct that
 * carries its own size, which does not raise it. */
#define SHIFTADD_METHOD_API 1

enum shiftadd_status {
    SHIFTADD_OK = 0,
    SHIFTADD_CANCELLED = 1,   /* the host asked for it */
    SHIFTADD_BAD_OPTIONS = 2, /* options that the schema allows and that do not fit together, or not this layer */
    SHIFTADD_BAD_INPUT = 3,   /* the weight or the Hessian cannot be used */
    SHIFTADD_OUT_OF_MEMORY = 4,
    SHIFTADD_FAILED = 5 /* anything else */
};

/* Receives why a call failed: one clause, UTF-8, without a full stop. */
typedef struct shiftadd_error {
    char message[512];
} shiftadd_error;

/* What the program offers. All functions may be called from any thread and never throw. */
typedef struct shiftadd_host {
    uint32_t struct_bytes;
    void* context; /* handed back to the functions below */
    int (*cancelled)(void* context);
    /* One line for the job's log, UTF-8; shown to the user as a note. */
    void (*log)(void* context, const char* message);
    /* body(state, i) for i in [0, count), on the host's threads; returns when all are done. The count must follow from
     * the problem's sizes, never from the machine's. Runs in the calling thread where the host is parallel already. */
    void (*parallel_for)(void* context, int64_t count, void (*body)(void* state, int64_t index), void* state);
    /* The word of the nearest sum of at most `terms` (1..3) signed powers of two, greedily; 0 for value <= 0 or NaN. */
    uint16_t (*apot_round)(double value, int terms);
    /* The value of such a word, exactly. */
    double (*apot_value)(uint16_t word);
    /* Binary-coding fit of one group: scales (words, descending, `planes` of them) that minimise
     * sum f (v - sum_b +-scale_b)^2 by alternating least squares, rounding and nearest level. factors: `count` positive
     * numbers or null for 1. planes 1..4, rounds >= 0, terms 1..3. Nonzero when an argument is out of range. */
    int (*bcq_fit)(const float* values, const float* factors, int64_t count, int planes, int rounds, int terms,
                   uint16_t* scales);
} shiftadd_host;

/* One input of a block, as the calibration text produces it behind the layers quantized so far. */
typedef struct shiftadd_input {
    uint32_t struct_bytes;
    const char* name;      /* of the first layer that reads it */
    int64_t columns;       /* K */
    const double* hessian; /* [K][K], H = sum x x^T, symmetric, not damped; null for a run without calibration data */
    const char* options; /* a JSON object with every parameter of the schema, checked against it, defaults filled in */
} shiftadd_input;

typedef struct shiftadd_layer {
    uint32_t struct_bytes;
    const char* name;    /* "model.layers.3.mlp.down_proj" */
    int64_t rows;        /* N, out features */
    int64_t columns;     /* K, in features */
    const float* weight; /* [N][K], finite */
} shiftadd_layer;

/* W^[n,k] = sum over b < q of value(scales[k/C, b, n/R]) * (bit b of (n, k) ? +1 : -1) */
typedef struct shiftadd_planes {
    uint32_t struct_bytes;
    int32_t q;              /* 1..4 */
    int64_t R;              /* rows per scale, 1..N */
    int64_t C;              /* columns per scale: 1, or a multiple of 8 up to K rounded up to one */
    const uint32_t* bits;   /* [ceil(K/32)][q][N]; bit i of word [t][b][n] is column 32t+i; bits past K are 0 */
    int64_t bit_words;      /* how many words `bits` has */
    const uint16_t* scales; /* [ceil(K/C)][q][ceil(N/R)], words of apot_round */
    int64_t scale_words;
} shiftadd_planes;

/* Where a result goes: exactly one call of one function, which copies. A nonzero answer means that it was refused (and
 * that the host knows why): return SHIFTADD_FAILED. */
typedef struct shiftadd_result {
    uint32_t struct_bytes;
    void* context;
    /* values: [N][K], finite; count = N * K. stored_bytes: what the method's own format takes for this layer: codes,
     * scales, zero points and whatever else is needed to compute with it. */
    int (*dense)(void* context, const float* values, int64_t count, uint64_t stored_bytes);
    int (*planes)(void* context, const shiftadd_planes* planes);
} shiftadd_result;

typedef struct shiftadd_method {
    uint32_t api; /* SHIFTADD_METHOD_API of the header that the library was built with */
    uint32_t struct_bytes;
    const char* id; /* as in the metadata */
    int (*create)(const shiftadd_host* host, const shiftadd_input* input, void** instance, shiftadd_error* error);
    int (*quantize)(void* instance, const shiftadd_host* host, const shiftadd_layer* layer, shiftadd_result* result,
                    shiftadd_error* error);
    void (*destroy)(void* instance);
} shiftadd_method;

#if defined(_WIN32)
#define SHIFTADD_EXPORT __declspec(dllexport)
#else
#define SHIFTADD_EXPORT __attribute__((visibility("default")))
#endif

/* `api`: what the host speaks. The answer lives as long as the library; null when the library cannot speak it. */
#define SHIFTADD_METHOD_ENTRY "shiftadd_method_entry"
typedef const shiftadd_method* (*shiftadd_method_entry_function)(uint32_t api);
SHIFTADD_EXPORT const shiftadd_method* shiftadd_method_entry(uint32_t api);

#ifdef __cplusplus
}
#endif

#endif
