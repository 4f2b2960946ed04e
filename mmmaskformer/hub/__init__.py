"""Models to the Hugging Face hub: weights, config, and a card made from the run.

Reading them is `mmmaskformer.checkpoints.hub`.
"""

from .push import push_to_hub, write_for_hub

__all__ = ['push_to_hub', 'write_for_hub']
