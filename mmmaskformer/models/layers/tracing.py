"""Whether tensors are being traced by ``torch.compile`` instead of computed."""

import torch

# before torch 2.3 the function was in torch._dynamo alone, which is slow to import
is_compiling = getattr(torch.compiler, 'is_compiling', None) or torch._dynamo.is_compiling
