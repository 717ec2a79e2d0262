package explain

import (
	"go/token"
	"strconv"
	"strings"

	"github.com/cladgo/clad/config"
)

// Origin is where a value comes from. It is nobody's doing, the default, if it
// is zero.
type Origin struct {
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Variable string `json:"variable,omitempty"`
	Default  bool   `json:"default,omitempty"`
}

func originOf(o config.Origin) Origin {
	return Origin{File: o.File, Line: o.Line, Column: o.Column, Variable: o.Variable, Default: o.IsDefault()}
}

// String returns "file:line", the name of the variable, or "default".
func (o Origin) String() string {
	switch {
	case o.Variable != "":
		return "$" + o.Variable
	case o.File != "":
		return o.File + ":" + strconv.Itoa(o.Line)
	case o.Default:
		return "default"
	default:
		return ""
	}
}

// settingOf names a setting by what its path has beyond the first keys.
func settingOf(s config.Setting, keys int) Setting {
	return Setting{Name: strings.Join(s.Path[keys:], "."), Value: s.String(), Origin: originOf(s.Origin)}
}

// placeOf is a place in the code.
func placeOf(at token.Position) Origin {
	return Origin{File: at.Filename, Line: at.Line, Column: at.Column}
}
