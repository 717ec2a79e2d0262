package policy

import (
	"context"
	"math/rand/v2"
	"net/http"                     // want "policy -> net/http, which is infrastructure"
	"os"                           // want "policy -> os, which is infrastructure"
	"go.uber.org/fx"               // want "policy -> go.uber.org/fx, which is not of the standard library"
	"example.com/house/config"     // want "policy -> config"
	"example.com/house/internal/a" // want "policy -> internal"
)
