/** Side of the warm-up picture where the model takes any: a multiple of the strides that models commonly have. */
export const NATIVE_WARMUP_EDGE = 256;
