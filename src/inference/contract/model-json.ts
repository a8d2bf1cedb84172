import { z } from 'zod';

/** The orders of dimensions that a model's input can have: N pictures or clips, T frames, C = 3 channels R, G, B. */
export const LAYOUTS = ['NCHW', 'NHWC', 'NTCHW', 'NTHWC', 'NCTHW'] as const;
export type Layout = (typeof LAYOUTS)[number];

export const INPUT_TYPES = ['uint8', 'float32', 'float16'] as const;
export type InputType = (typeof INPUT_TYPES)[number];

const CLASS_NAMES = ['real', 'synthetic', 'semisynthetic', 'fake'] as const;
export type ClassName = (typeof CLASS_NAMES)[number];

/** What a model is made for: pictures, clips of frames, or masks of pictures. */
export const TASKS = ['image', 'video', 'mask'] as const;
export type Task = (typeof TASKS)[number];

const DECISIONS = ['argmax', 'binary-first'] as const;
export type Decision = (typeof DECISIONS)[number];

const MASK_ACTIVATIONS = ['none', 'sigmoid', 'softmax'] as const;
export type MaskActivation = (typeof MASK_ACTIVATIONS)[number];

const MASK_RESIZES = ['bilinear', 'nearest'] as const;
export type MaskResize = (typeof MASK_RESIZES)[number];

/** The most frames of a clip that a model can ask for; validators send no more. */
export const FRAMES_LIMIT = 144;
/** Longest edge of a model's input. */
export const EDGE_LIMIT_PIXELS = 8192;

const edge = z.int().min(1).max(EDGE_LIMIT_PIXELS);
const perChannel = z.tuple([z.number(), z.number(), z.number()]);
const perChannelPositive = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

const inputSchema = z.strictObject({
  name: z.string().min(1).optional().meta({
    description: 'Name of the input, as a check that it is this one. Default: that of the ONNX file.',
  }),
  layout: z.enum(LAYOUTS).optional().meta({
    description:
      'NCHW, NHWC, NTCHW, NTHWC or NCTHW. Default: the one that the dimension of size 3 in the ONNX file shows.',
  }),
  dtype: z.enum(INPUT_TYPES).optional().meta({
    description: 'uint8, float32 or float16. Default: that of the ONNX file.',
  }),
  size: z
    .union([z.strictObject({ height: edge, width: edge }), z.literal('native')], {
      error: `expected {"height": 224, "width": 224}, whole numbers of 1 to ${EDGE_LIMIT_PIXELS}, or "native"`,
    })
    .optional()
    .meta({
      description:
        '{"height": 224, "width": 224}: pictures are resized to it. "native": pictures keep their size. ' +
        'Default: that of the ONNX file; if it is dynamic, 224 × 224, and 512 × 512 for masks.',
    }),
  fit: z
    .enum(['cover', 'contain', 'stretch'])
    .optional()
    .meta({
      description:
        'cover (shortest edge resized, the rest cut off), contain (longest edge resized, padded with black) or stretch. ' +
        'Default: cover, and stretch for masks. A mask is answered without the padding; what cover cut off is answered as real.',
    }),
  frames: z.int().min(1).max(FRAMES_LIMIT).optional().meta({
    description:
      'Frames of a clip that the model gets, 1 to 144. Default: that of the ONNX file; if it is dynamic, 16.',
  }),
  frameStride: z
    .union([z.literal('even'), z.int().min(1).max(FRAMES_LIMIT)], {
      error: `expected "even" or a whole number of 1 to ${FRAMES_LIMIT}`,
    })
    .optional()
    .meta({
      description:
        '"even": spread over the whole clip. A number n: every nth frame from the first on. With 1, only the first frames ' +
        'of a clip are decoded. If a clip is too short, the largest stride that fits is used. Default: "even".',
    }),
  scale: z.number().positive().optional().meta({
    description: 'Float inputs are (pixel × scale − mean) / std, pixel being 0 to 255. Default: 1/255.',
  }),
  mean: perChannel.optional().meta({ description: 'For R, G, B. Default: 0, 0, 0.' }),
  std: perChannelPositive.optional().meta({ description: 'For R, G, B. Default: 1, 1, 1.' }),
});

const outputSchema = z.strictObject({
  name: z.string().min(1).optional().meta({
    description: 'The output that is the answer. Default: the only one.',
  }),
  kind: z
    .enum(['logits', 'probabilities', 'sigmoid', 'mask'])
    .optional()
    .meta({
      description:
        'logits: softmax is applied. probabilities: used as they are. sigmoid: one logit. mask: confidence per pixel. ' +
        'Default: logits; mask for masks.',
    }),
  classes: z
    .array(z.enum(CLASS_NAMES))
    .min(1)
    .max(3)
    .optional()
    .meta({
      description:
        'What each number means, in order. Default: ["real", "synthetic", "semisynthetic"], ["real", "fake"] or ' +
        '["fake"], by their number. A fake counts as synthetic.',
    }),
  temperature: z.number().min(0.01).max(100).optional().meta({
    description:
      'Logits are divided by it, 0.01 to 100: above 1, the answers become less certain. Default: 1.',
  }),
  decision: z.enum(DECISIONS).optional().meta({
    description: 'argmax or binary-first, see below. Default: argmax.',
  }),
  maskActivation: z
    .enum(MASK_ACTIVATIONS)
    .optional()
    .meta({
      description:
        'sigmoid: the mask is logits. softmax: it has two channels of logits, the second for altered pixels. ' +
        'none: it is confidences in [0, 1]. Default: none.',
    }),
  maskResize: z.enum(MASK_RESIZES).optional().meta({
    description: "How the mask is brought to the picture's size: bilinear or nearest. Default: bilinear.",
  }),
  mask: z.enum(['hard', 'soft']).optional().meta({
    description: 'hard: answered in 0 and 1. soft: answered in confidences, see below. Default: hard.',
  }),
  threshold: z.number().gt(0).lt(1).optional().meta({
    description: 'Confidences above it are 1 in a hard mask, all others 0. Default: 0.5.',
  }),
});

/** What `model.json` beside a model may say; every field is optional and an unknown one is an error. */
export const modelJsonSchema = z.strictObject({
  task: z.enum(TASKS).optional().meta({
    description:
      'image, video or mask: what the model is made for. Default: what it is used for. A model for image can be used for video too.',
  }),
  input: inputSchema.optional(),
  output: outputSchema.optional(),
});

export type ModelJson = z.infer<typeof modelJsonSchema>;

/** The paths of all fields. */
export const MODEL_JSON_FIELDS: readonly string[] = [
  'task',
  ...Object.keys(inputSchema.shape).map((key) => `input.${key}`),
  ...Object.keys(outputSchema.shape).map((key) => `output.${key}`),
];
