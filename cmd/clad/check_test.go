package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares what a command says with a file below testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update rewrites it); got\n%s", file, got)
	}
}

// in changes to a directory for the rest of the test, and returns where golden
// files are as seen from there.
func in(t *testing.T, dir string) (testdata string) {
	t.Helper()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return testdata
}

// A profile with ten different mistakes yields ten located messages, in every
// form.
func TestCheckTellsTenMistakes(t *testing.T) {
	testdata := in(t, "testdata/ten")
	for form, args := range map[string][]string{
		"text":   nil,
		"plain":  {"-plain"},
		"json":   {"-json"},
		"colour": {"-color", "always"},
	} {
		t.Run(form, func(t *testing.T) {
			code, out, err := clad(t, append([]string{"check", "."}, args...)...)
			if code != failed || err != "" {
				t.Errorf("exit code %d, want %d; %s", code, failed, err)
			}
			golden(t, filepath.Join(testdata, "ten."+form), out)
		})
	}
	_, out, _ := clad(t, "check", "-plain", ".")
	if n := strings.Count(out, "\n"); n != 10 {
		t.Errorf("%d mistakes, want 10", n)
	}
	var result struct{ Mistakes []struct{ Line, Column int } }
	_, out, _ = clad(t, "check", "-json", ".")
	if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.Mistakes) != 10 {
		t.Fatalf("%v, %d mistakes", err, len(result.Mistakes))
	}
	for _, m := range result.Mistakes {
		if m.Line < 1 || m.Column < 1 {
			t.Errorf("a mistake without its place: %+v", m)
		}
	}
}

func TestCheckArguments(t *testing.T) {
	in(t, "testdata/ten")
	t.Setenv("CLAD__POLICIES__API__TIMEOT", "hunter2")
	t.Setenv("DATABASE_PASSWORD", "hunter2")
	for _, c := range []struct {
		args  string
		code  int
		parts []string // of what is said
		not   string
	}{
		{"check", misuse, []string{"configs"}, ""},
		{"check -dir nowhere", misuse, []string{"nowhere"}, ""},
		{"check ../../../../configs -env=false", ok, []string{"profiles development, production in ../../../../configs: no mistakes"}, ""},
		{"check ../../../../configs", failed, []string{"environment variable CLAD__POLICIES__API__TIMEOT: matches no setting"}, "hunter2"},
		{"check development.yaml -plain -env=false", failed, []string{"base.yaml:5:18"}, "production.yaml"},
		{"check production.yaml -plain -env=false", failed, []string{"base.yaml:5:18", "production.yaml:3:5"}, ""},
		{"check base.yaml -plain -env=false", failed, []string{"base.yaml:5:18", "production.yaml:3:5"}, ""},
		{"check ./prodction.yaml", misuse, []string{`there is no file or directory ./prodction.yaml (did you mean "production.yaml"?)`}, ""},
		{"check ../ten.text", misuse, []string{"../ten.text is no profile"}, ""},
		{"check .. -env=false", misuse, []string{".. has neither profiles nor Go files"}, ""},
		{"check . -plain -json", misuse, []string{"exclude each other"}, ""},
		{"check . -color sometimes", misuse, []string{"auto, always or never"}, ""},
		{"check . -jsn", misuse, []string{`did you mean "-json"?`}, ""},
		{"check . ./nowhere/...", misuse, []string{"nowhere"}, ""},
		{"help check", ok, []string{"clad check ./...", "-plain"}, ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, err := clad(t, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, c.code, out, err)
			}
			for _, part := range c.parts {
				if !strings.Contains(out+err, part) {
					t.Errorf("it does not say %q:\n%s%s", part, out, err)
				}
			}
			if c.not != "" && strings.Contains(out+err, c.not) {
				t.Errorf("it says %q:\n%s%s", c.not, out, err)
			}
		})
	}
}

// What shows in one profile only, says so; what shows in all, does not.
func TestCheckSaysInWhichProfiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"base.yaml": "policies:\n  a: {timeout: 5}\n  b: {attempt_timeout: 3s}\n",
		"x.yaml":    "policies:\n  b: {timeout: 2s}\n",
		"y.yaml":    "{}\n",
		"z.yaml":    "policies:\n  b: {timeout: 1s}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	_, out, _ := clad(t, "check", "-plain", ".")
	want := `base.yaml:2:16: policies.a.timeout: 5 has no unit; write 5s, or with ms, m or h
base.yaml:3:24: policies.b.attempt_timeout: 3s is longer than the timeout of the whole, 1s (z.yaml:2:16) (in z)
base.yaml:3:24: policies.b.attempt_timeout: 3s is longer than the timeout of the whole, 2s (x.yaml:2:16) (in x)
`
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestCheckFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"x.yaml", "x.yml"} {
		if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("y.yaml", 0o700); err != nil {
		t.Fatal(err)
	}
	code, out, _ := clad(t, "check", "-dir", ".")
	if code != failed || !strings.Contains(out, "x.yaml and x.yml") || !strings.Contains(out, "y.yaml: it is not a regular file but a directory") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if err := os.Rename("x.yaml", "base.yaml"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.yml", "y.yaml"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	code, _, err := clad(t, "check", ".")
	if code != misuse || !strings.Contains(err, ". has no profiles") {
		t.Errorf("with base.yaml alone: exit code %d, %s", code, err)
	}
}

// The names of policies in code are checked against every profile, and the
// services and methods of profiles against the code.
func TestCheckCode(t *testing.T) {
	testdata := in(t, "internal/usage/testdata/shop")
	for form, args := range map[string][]string{"text": nil, "plain": {"-plain"}, "json": {"-json"}} {
		t.Run(form, func(t *testing.T) {
			code, out, err := clad(t, append([]string{"check", "./..."}, args...)...)
			if code != failed || err != "" {
				t.Errorf("exit code %d, want %d; %s", code, failed, err)
			}
			golden(t, filepath.Join(testdata, "shop."+form), out)
		})
	}
}

func TestCheckCodeThatIsBroken(t *testing.T) {
	in(t, "internal/usage/testdata/broken")
	code, out, err := clad(t, "check", "../shop/configs", ".", "-plain")
	if code != failed || !strings.Contains(out, "broken.go:9:9: undefined: missing; names of policies may be missed") {
		t.Errorf("exit code %d\n%s%s", code, out, err)
	}
}

// With mistaken profiles nobody knows which names are right.
func TestCheckCodeWithoutSoundProfiles(t *testing.T) {
	in(t, "internal/usage/testdata/shop")
	code, out, err := clad(t, "check", "../../../../testdata/ten", "./...")
	if code != failed || !strings.Contains(out, "no profile is sound, so the names in the code are not checked") || strings.Contains(out, "databse_once") {
		t.Errorf("exit code %d\n%s%s", code, out, err)
	}
}

// The excerpts in the documentation are what the command says.
func TestDocumentationShowsRealExcerpts(t *testing.T) {
	page, err := os.ReadFile("../../docs/checking.md")
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile("testdata/ten.text")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "<!-- mistakes of cmd/clad/testdata/ten -->\n```text\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed || !strings.HasPrefix(string(said), block) {
		t.Errorf("the page shows\n%s\nthe command says\n%s", block, said)
	}
}

// The names of errors in profiles are checked against those that clad knows and
// those that the code gives. Without the code, the latter are not known.
func TestCheckNamesOfErrors(t *testing.T) {
	in(t, "internal/usage/testdata/errors")
	code, out, _ := clad(t, "check", "-plain", "configs", "./...")
	want := "configs/production.yaml:2:95: policies.p.errors.refusals: there is no error of the name \"orders.ErrUnkown\" (did you mean \"orders.ErrUnknown\"?)"
	if code != failed || !strings.Contains(out, want) || strings.Count(out, "errors.") != 1 {
		t.Errorf("exit code %d\n%swant %s", code, out, want)
	}
	code, out, _ = clad(t, "check", "-plain", "configs")
	want = "configs/production.yaml:2:81: note: policies.p.errors.refusals: no client that clad knows has an error \"no customer\", so module.WithErrors must give it\n"
	if code != ok || !strings.Contains(out, want) || strings.Count(out, "note: ") != 3 {
		t.Errorf("exit code %d\n%swant %s", code, out, want)
	}
}

// A tag without a name is one of the standard policy, which code or profile may make.
func TestCheckKnowsTheStandardPolicy(t *testing.T) {
	in(t, "internal/usage/testdata/standard")
	code, out, _ := clad(t, "check", "-plain", "configs", "./...")
	if code != ok || strings.Contains(out, `"standard"`) || strings.Contains(out, "policies.standard") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	in(t, "../without")
	code, out, _ = clad(t, "check", "-plain", "../standard/configs", "./...")
	want := `container.Tag(newFetch): there is no policy "standard"; there are: other; module.Standard() makes one, and so does standard: true in the profile`
	if code != failed || !strings.Contains(out, want) {
		t.Errorf("exit code %d\n%swant %s", code, out, want)
	}
}
