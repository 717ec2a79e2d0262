// Package keypath writes the path that leads to a setting.
package keypath

import (
	"regexp"
	"strconv"
	"strings"
)

var plain = regexp.MustCompile(`^[\pL\pN_-]+$`)

// Join joins keys with dots, and quotes those that have dots themselves:
// services."payments.Gateway".policy.
func Join(keys ...string) string {
	parts := make([]string, len(keys))
	for i, key := range keys {
		if !plain.MatchString(key) {
			key = strconv.Quote(key)
		}
		parts[i] = key
	}
	return strings.Join(parts, ".")
}
