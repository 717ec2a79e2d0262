package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFiveMinuteStart does what the README tells a newcomer, in a module of its
// own outside the repository: the profile, the tags, go generate, run.
func TestFiveMinuteStart(t *testing.T) {
	dir := newcomer(t)
	t.Run("raises nothing that was there", func(t *testing.T) { raisesNothing(t, dir) })
	run(t, dir, "go", "generate", "./...")
	t.Run("works", func(t *testing.T) { works(t, dir) })
	t.Run("tells a misspelt policy", func(t *testing.T) { tellsMisspeltPolicy(t, dir) })
}

// Whoever took clad once got the newest Fx, Go and golang.org/x/tools with it.
func raisesNothing(t *testing.T, dir string) {
	var mod struct {
		Go      string
		Require []struct{ Path, Version string }
	}
	out, err := command(t, dir, "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Go != "1.25.0" {
		t.Errorf("it needs Go %s now", mod.Go)
	}
	fx := ""
	for _, r := range mod.Require {
		if r.Path == "go.uber.org/fx" {
			fx = r.Version
		}
	}
	if fx != "v1.20.0" {
		t.Errorf("it has Fx %q now", fx)
	}
	if strings.Contains(read(t, filepath.Join("..", "go.mod")), "golang.org/x/tools") {
		t.Error("the library requires golang.org/x/tools, which is for the tool alone")
	}
}

func works(t *testing.T, dir string) {
	run(t, dir, "go", "tool", "clad", "gen", "-check", "./...")
	run(t, dir, "go", "tool", "clad", "check", "./...")
	run(t, dir, "go", "build", "-ldflags=-s -w", "-o", "shop", ".")
	shop := exec.CommandContext(t.Context(), filepath.Join(dir, "shop"))
	shop.Dir = dir
	var said bytes.Buffer
	shop.Stdout = &said
	events, err := shop.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shop.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(events); lines.Scan() && !strings.Contains(lines.Text(), "RUNNING"); {
	}
	if err := shop.Process.Kill(); err != nil { // it would serve for ever
		t.Fatal(err)
	}
	_ = shop.Wait()
	if said.String() != "charged 2028 once, asked for the fee 3 times <nil>\n" {
		t.Errorf("the program says %q; the retries are missing", said.String())
	}
}

func tellsMisspeltPolicy(t *testing.T, dir string) {
	program := filepath.Join(dir, "main.go")
	code, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	misspelt := bytes.Replace(code, []byte(`"external_api"`), []byte(`"extrenal_api"`), 1)
	if err := os.WriteFile(program, misspelt, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, dir, "go", "run", ".").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `did you mean "external_api"?`) {
		t.Errorf("got %v; want an error that suggests the right name:\n%s", err, out)
	}
}

var (
	readmeBlock = regexp.MustCompile("(?s)<!-- docs: file=shop/(\\S+).*?-->\n```\\w+\n(.*?)```")
	readmeGet   = regexp.MustCompile(`(?m)^go (get .*\S)$`)
)

// newcomer makes a module of the README's blocks, with this clad.
func newcomer(t *testing.T) (dir string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	readme := read(t, filepath.Join(root, "README.md"))
	for _, block := range readmeBlock.FindAllStringSubmatch(readme, -1) {
		write(t, filepath.Join(dir, filepath.FromSlash(block[1])), block[2])
	}
	tool := filepath.Join(root, "cmd", "clad")
	write(t, filepath.Join(dir, "go.mod"), strings.Join([]string{
		"module example.com/shop",
		"go 1.25.0",
		"require go.uber.org/fx v1.20.0",
		"replace github.com/cladgo/clad => " + root,
		"replace github.com/cladgo/clad/cmd/clad => " + tool,
	}, "\n"))
	download := exec.CommandContext(t.Context(), "go", "mod", "download")
	download.Dir = tool
	download.Env = append(os.Environ(), "GOWORK=off")
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", download, err, out)
	}
	// The sums spare the test a question to the checksum database.
	write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(root, "go.sum"))+read(t, filepath.Join(tool, "go.sum")))
	gets := readmeGet.FindAllStringSubmatch(readme, -1)
	if len(gets) != 2 {
		t.Fatalf("the README gets %q; want clad and its tool", gets)
	}
	for _, get := range gets {
		run(t, dir, "go", strings.Fields(get[1]+"@v0.1.0")...)
	}
	return dir
}

func command(t *testing.T, dir string, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY="+cached(t), "GOFLAGS=", "CLAD_PROFILE=", "APP_ENV=")
	return cmd
}

// cached returns the cache of modules as a proxy. Others need not say of a path
// of clad that it is no module, as `go get` asks them: some refuse to answer.
func cached(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return "file://" + filepath.ToSlash(strings.TrimSpace(string(out))) + "/cache/download"
}

func run(t *testing.T, dir string, name string, args ...string) {
	t.Helper()
	if out, err := command(t, dir, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
