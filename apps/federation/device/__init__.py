"""The device's side, without any framework: what an app ports to its phones."""
