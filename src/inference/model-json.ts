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

const edge = z.int().min(1).max(8192);
const perChannel = z.tuple([z.number(), z.number(), z.number()]);
const perChannelPositive = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

const inputSchema = z.strictObject({
  layout: z.enum(LAYOUTS).optional().meta({
    description:
      'NCHW, NHWC, NTCHW, NTHWC or NCTHW. Default: told by the dimension of size 3 in the ONNX file.',
  }),
  dtype: z.enum(INPUT_TYPES).optional().meta({
    description: 'uint8, float32 or float16. Default: that of the ONNX file.',
  }),
  size: z
    .union([z.strictObject({ height: edge, width: edge }), z.literal('native')])
    .optional()
    .meta({
      description:
        '{"height": 224, "width": 224} that pictures are brought to, or "native" to leave them. ' +
        'Default: that of the ONNX file; where it is dynamic, 224 × 224, and 512 × 512 for masks.',
    }),
  fit: z.enum(['cover', 'contain', 'stretch']).optional().meta({
    description:
      'cover (cut the edges off), contain (pad with black) or stretch. Default: cover; masks allow stretch only.',
  }),
  frames: z.int().min(1).max(144).optional().meta({
    description:
      'Frames of a clip that are looked at. Default: that of the ONNX file, 16 where it is dynamic.',
  }),
  scale: z.number().positive().optional().meta({
    description: 'Float inputs are (pixel × scale − mean) / std, pixel being 0 to 255. Default: 1/255.',
  }),
  mean: perChannel.optional().meta({ description: 'Of R, G, B. Default: 0, 0, 0.' }),
  std: perChannelPositive.optional().meta({ description: 'Of R, G, B. Default: 1, 1, 1.' }),
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
        '["fake"], by how many there are. A fake counts as synthetic.',
    }),
  maskActivation: z.enum(['none', 'sigmoid']).optional().meta({
    description: 'sigmoid: the mask is logits. none: it is confidences in [0, 1]. Default: none.',
  }),
  threshold: z.number().gt(0).lt(1).optional().meta({
    description: 'Confidences above it are 1 in the answered mask, all others 0. Default: 0.5.',
  }),
});

/** What `model.json` beside a model may say; every field is optional and an unknown one is an error. */
export const modelJsonSchema = z.strictObject({
  task: z.enum(TASKS).optional().meta({
    description: 'image, video or mask: what the model is made for. Default: what it is used for.',
  }),
  input: inputSchema.optional(),
  output: outputSchema.optional(),
});

export type ModelJson = z.infer<typeof modelJsonSchema>;
