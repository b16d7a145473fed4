"""Convolutions with large kernels, and the algorithms that compute them."""
