package module

import (
	"example.com/house/config"
	"example.com/house/container"
	"example.com/house/policy"
	"example.com/house/examples/app" // want "module -> examples"
	"example.com/house/cmd/tool" // want "module -> cmd"
)
