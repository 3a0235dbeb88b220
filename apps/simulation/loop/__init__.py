"""The closed loop: virtual viewers, the public API, and the product under a virtual clock."""
