"""Settings of all tests."""

import torch
from hypothesis import settings

torch.set_num_threads(1)  # two workers on two cores: more threads only wait for each other

# a busy machine is no mistake of the code
settings.register_profile("offbeat", deadline=None)
settings.load_profile("offbeat")
