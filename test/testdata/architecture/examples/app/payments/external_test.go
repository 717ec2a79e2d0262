package payments_test

import (
	"testing"
	"example.com/house/container"
	"example.com/house/config" // want "examples/app/payments -> config"
)
