// Package profilename says which profile is meant, and which files are of it.
package profilename

import (
	"path"
	"slices"
	"strings"
)

// The environment variables that choose a profile, the first before the second,
// and the profile where nobody chooses.
const (
	Variable         = "CLAD_PROFILE"
	FallbackVariable = "APP_ENV"
	Default          = "development"
)

// Base is the name of the file that all profiles start from.
const Base = "base"

// extensions are those of profile files.
var extensions = []string{".yaml", ".yml"}

// Choose returns the name of the profile that is meant, and the variable that
// chose it; "" if none did. profile is the one that the code names, or empty,
// and environ as os.Environ has it.
func Choose(profile string, environ []string) (name, variable string) {
	if profile != "" {
		return profile, ""
	}
	for _, variable := range []string{Variable, FallbackVariable} {
		for _, entry := range environ {
			if value, ok := strings.CutPrefix(entry, variable+"="); ok && value != "" {
				return value, variable
			}
		}
	}
	return Default, ""
}

// Of returns the profile that a file is of, Base for what all start from, and
// whether it is of any. Editors hide theirs behind a dot.
func Of(file string) (profile string, ok bool) {
	extension := path.Ext(file)
	if !slices.Contains(extensions, extension) || strings.HasPrefix(file, ".") {
		return "", false
	}
	return strings.TrimSuffix(file, extension), true
}
