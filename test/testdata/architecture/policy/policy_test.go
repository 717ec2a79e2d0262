package policy_test

import (
	"os"
	"go.uber.org/goleak"
	"example.com/house/policy"
	"example.com/house/container" // want "policy -> container"
)
