"""Settings of all tests."""

import torch

torch.set_num_threads(1)  # two workers on two cores: more threads only wait for each other
