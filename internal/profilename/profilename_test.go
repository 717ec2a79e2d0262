package profilename_test

import (
	"testing"

	"github.com/cladgo/clad/internal/profilename"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		profile        string
		environ        []string
		name, variable string
	}{
		{"", nil, "development", ""},
		{"test", []string{"CLAD_PROFILE=a"}, "test", ""},
		{"", []string{"APP_ENV=b", "CLAD_PROFILE=a"}, "a", "CLAD_PROFILE"},
		{"", []string{"CLAD_PROFILE=", "APP_ENV=b"}, "b", "APP_ENV"},
		{"", []string{"XAPP_ENV=b", "APP_ENVX=b"}, "development", ""},
	} {
		if name, variable := profilename.Choose(tt.profile, tt.environ); name != tt.name || variable != tt.variable {
			t.Errorf("%q, %q: %q by %q, want %q by %q", tt.profile, tt.environ, name, variable, tt.name, tt.variable)
		}
	}
}

func TestOf(t *testing.T) {
	for file, want := range map[string]string{
		"production.yaml": "production", "a.b.yml": "a.b", "base.yaml": profilename.Base, "a.yaml.yml": "a.yaml",
		"notes.txt": "", ".production.yaml": "", ".yaml": "", "yaml": "", "production.yaml~": "", "production.YAML": "",
	} {
		if got, ok := profilename.Of(file); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", file, got, ok, want)
		}
	}
}
