package container

import (
	"net/http"
	"github.com/sony/gobreaker/v2"
	"example.com/house/policy"
	"example.com/house/container/nested"
	"example.com/house/internal/a"
	renamed "example.com/house/config" // want "container -> config"
	_ "example.com/house/module" // want "container -> module"
)
