package payments

import "example.com/house/container" // want "examples/app/payments -> container"
