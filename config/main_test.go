package config_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files writes a directory of profiles down as name, text, name, text, ...
func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

// load loads the profile test of a single file.
func load(text string, environ ...string) (*config.Profile, error) {
	return config.Load(files("test.yaml", text), "test", environ)
}

// catalog loads the layers as base and profile, and fails if they are mistaken.
func catalog(t *testing.T, base, profile string, environ ...string) policy.Catalog {
	t.Helper()
	fsys := files("test.yaml", profile)
	if base != "" {
		maps.Copy(fsys, files("base.yaml", base))
	}
	p, err := config.Load(fsys, "test", environ)
	if err != nil {
		t.Fatal(err)
	}
	return p.Catalog()
}

// mistakes are those that an error is made of.
func mistakes(err error) config.Mistakes {
	var found config.Mistakes
	errors.As(err, &found)
	return found
}

// wantError fails unless err has each part.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error\n%v\nlacks %q", err, part)
		}
	}
}
