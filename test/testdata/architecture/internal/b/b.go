package b

import "example.com/house/container"
