package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cladgo/clad/config"
)

func TestProfileIsChosen(t *testing.T) {
	fsys := files("development.yaml", "{}", "production.yaml", "{}", "staging.yml", "{}")
	for _, tt := range []struct {
		profile string
		environ []string
		want    string
	}{
		{"", nil, "development"},
		{"", []string{"HOME=/root"}, "development"},
		{"", []string{"APP_ENV=production"}, "production"},
		{"", []string{"APP_ENV=production", "CLAD_PROFILE=staging"}, "staging"},
		{"", []string{"CLAD_PROFILE=", "APP_ENV=production"}, "production"},
		{"", []string{"XCLAD_PROFILE=production"}, "development"},
		{"production", []string{"CLAD_PROFILE=staging"}, "production"},
	} {
		p, err := config.Load(fsys, tt.profile, tt.environ)
		if err != nil {
			t.Errorf("%q, %q: %v", tt.profile, tt.environ, err)
		} else if p.Name() != tt.want {
			t.Errorf("%q, %q: %s, want %s", tt.profile, tt.environ, p.Name(), tt.want)
		}
	}
}

func TestProfiles(t *testing.T) {
	got, err := config.Profiles(files("a-b.yaml", "", "a.yml", "", "a.yaml", "", "base.yaml", "", ".a.yaml", "", "notes.txt", "", "below/c.yaml", ""))
	if want := []string{"a", "a-b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := config.Profiles(os.DirFS(filepath.Join(t.TempDir(), "nowhere"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestUnknownProfile(t *testing.T) {
	fsys := files("base.yaml", "{}", "development.yaml", "{}", "production.yml", "{}", "notes.txt", "", ".production.yaml", "{}")
	for name, tt := range map[string]struct {
		profile string
		environ []string
		want    []string
	}{
		"misspelt":      {"prodution", nil, []string{`no profile "prodution" (did you mean "production"?); the directory has: development, production: file does not exist`}},
		"by a variable": {"", []string{"APP_ENV=prod"}, []string{`no profile "prod", chosen by APP_ENV`, "development, production"}},
		"far off":       {"qa", nil, []string{`no profile "qa"; the directory has: development, production`}},
		"another case":  {"Production", nil, []string{`did you mean "production"?`}},
		"a path":        {"../configs/production", nil, []string{"no profile"}},
		"the base":      {"base", nil, []string{`"base" is what all profiles start from`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(fsys, tt.profile, tt.environ)
			wantError(t, err, tt.want...)
			if tt.profile != "base" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v is not fs.ErrNotExist", err)
			}
		})
	}
	_, err := config.Load(files(), "", nil)
	wantError(t, err, `"development", the default; the directory has no profiles`)
	empty := t.TempDir()
	_, err = config.Load(config.Dir(empty), "", nil)
	wantError(t, err, "the directory "+empty+" has no profiles")
}

func TestUnreadableFiles(t *testing.T) {
	_, err := config.Load(files("test.yaml", "{}", "test.yml", "{}"), "test", nil)
	wantError(t, err, "test.yaml and test.yml")
	_, err = config.Load(files("test.yaml/inside", ""), "test", nil)
	wantError(t, err, "test.yaml")
	_, err = config.Load(os.DirFS(filepath.Join(t.TempDir(), "nowhere")), "test", nil)
	wantError(t, err, "the directory of the profiles")
	_, err = config.Load(config.Dir("testdata/nowhere"), "test", nil)
	wantError(t, err, "the directory of the profiles, testdata/nowhere: ")
}

func TestBaseIsOptional(t *testing.T) {
	for _, fsys := range []fs.FS{
		files("test.yaml", "policies: {p: {retry: 2}}"),
		files("base.yml", "policies: {p: {retry: 2}}", "test.yml", "{}"),
	} {
		p, err := config.Load(fsys, "test", nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Catalog().Policies) != 1 {
			t.Errorf("got %v", p.Catalog())
		}
	}
}

// An error that names configs/test.yaml can be clicked; test.yaml can't.
func TestDirNamesFilesWithItsPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "test.yaml"), []byte("retyr: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Dir(dir), "test", nil)
	wantError(t, err, filepath.Join(dir, "test.yaml")+":1:1: retyr: ")
}

// A file or a variable named by an escape sequence moved the cursor, or more, of
// whoever read the error; one with a newline wrote lines of its own.
func TestErrorsHoldNothingThatATerminalObeys(t *testing.T) {
	const name = "a\x1b[2J\nb\u009b1m\u202e"
	dir := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Join(dir, "directory.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{name + ".yaml", "both.yaml", "both.yml"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("policies: {a: {retyr: 1}}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for what, load := range map[string]func() error{
		"mistakes": func() error {
			return second(config.Load(config.Dir(dir), name, []string{"CLAD__" + name + "=" + name}))
		},
		"a plain FS":       func() error { return second(config.Load(os.DirFS(dir), name, nil)) },
		"no such profile":  func() error { return second(config.Load(config.Dir(dir), "nowhere", nil)) },
		"a chosen one":     func() error { return second(config.Load(config.Dir(dir), "", []string{"APP_ENV=" + name + "x"})) },
		"no file":          func() error { return second(config.Load(config.Dir(dir), "directory", nil)) },
		"two files":        func() error { return second(config.Load(config.Dir(dir), "both", nil)) },
		"no directory":     func() error { return second(config.Profiles(config.Dir(filepath.Join(dir, "nowhere")))) },
		"no directory, FS": func() error { return second(config.Profiles(os.DirFS(filepath.Join(dir, "nowhere")))) },
	} {
		t.Run(what, func(t *testing.T) {
			err := load()
			if err == nil {
				t.Fatal("no error")
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.HasPrefix(line, "b") {
					t.Errorf("%q", line)
				}
			}
		})
	}
	_, err := config.Load(config.Dir(dir), name, nil)
	if m := mistakes(err)[0]; m.File != filepath.Join(dir, name+".yaml") {
		t.Errorf("the file of the mistake is %q, which can't be opened", m.File)
	}
}

func second[T any](_ T, err error) error { return err }
