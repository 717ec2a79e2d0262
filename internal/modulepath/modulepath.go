// Package modulepath reads the import paths of packages.
package modulepath

import (
	"slices"
	"strings"
)

// WithoutMajor returns a path without the elements that are a major version of a
// module: "github.com/redis/go-redis" for "github.com/redis/go-redis/v9".
func WithoutMajor(path string) string {
	if !strings.Contains(path, "/v") {
		return path
	}
	return strings.Join(slices.DeleteFunc(strings.Split(path, "/"), isMajorVersion), "/")
}

func isMajorVersion(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
