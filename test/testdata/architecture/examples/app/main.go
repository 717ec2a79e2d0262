package main

import (
	"example.com/house/examples/app/payments"
	"example.com/house/module"
	"example.com/house/internal/a" // want "examples -> internal"
)
