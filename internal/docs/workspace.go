package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pageRoot begins the names of pages in line directives, so that they can be told
// from files in what the go command prints.
const pageRoot = "/docs-page/"

// workspace is a module outside clad, in a Go workspace together with clad's own
// modules: the blocks see what a user sees, nothing internal, and need no network.
type workspace struct {
	dir    string // holds go.work and the module
	root   string // of the repository
	module string // path of the repository's root module
	env    []string
}

const modulePath = "example.com/docs"

// newWorkspace makes a workspace in an empty folder.
func newWorkspace(ctx context.Context, root, dir string) (*workspace, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	w := &workspace{dir: dir, root: root}
	// What the machine sets must not show in what the examples print.
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if name != "GOWORK" && name != "GOFLAGS" && name != "APP_ENV" && !strings.HasPrefix(name, "CLAD") {
			w.env = append(w.env, variable)
		}
	}

	var project struct {
		Go  string
		Use []struct{ DiskPath string }
	}
	var mod struct{ Module struct{ Path string } }
	err = errors.Join(
		w.readJSON(ctx, &project, "go", "work", "edit", "-json", filepath.Join(root, "go.work")),
		w.readJSON(ctx, &mod, "go", "mod", "edit", "-json", filepath.Join(root, "go.mod")))
	if err != nil {
		return nil, err
	}
	w.module = mod.Module.Path
	var work bytes.Buffer
	fmt.Fprintf(&work, "go %s\n\nuse .\n", project.Go)
	for _, use := range project.Use {
		fmt.Fprintf(&work, "use %s\n", strconv.Quote(filepath.Join(root, use.DiskPath)))
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.work.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return w, errors.Join(
		w.write("go.work", work.Bytes()),
		w.write("go.work.sum", sums),
		w.write("go.mod", fmt.Appendf(nil, "module %s\n\ngo %s\n", modulePath, project.Go)))
}

// readJSON decodes what a command prints.
func (w *workspace) readJSON(ctx context.Context, into any, name string, args ...string) error {
	out, err := w.command(ctx, w.root, name, args...).Output()
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), withStderr(err))
	}
	return json.Unmarshal(out, into)
}

func (w *workspace) write(name string, data []byte) error {
	name = filepath.Join(w.dir, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, 0o600))
}

func (w *workspace) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, w.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// importPaths lists the packages that a fragment may use without importing them.
func (w *workspace) importPaths(ctx context.Context) (importPaths, error) {
	list, err := w.command(ctx, w.dir, "go", "list", "-e", "-f", "{{.Name}} {{.ImportPath}}",
		"std", w.module+"/...", "go.uber.org/fx", "go.uber.org/fx/fxtest", "go.uber.org/fx/fxevent", "go.uber.org/dig").Output()
	if err != nil {
		return nil, withStderr(err)
	}
	return newImportPaths(string(list), w.module), nil
}

// pagePosition finds the lines of pages in what the go command prints.
var pagePosition = regexp.MustCompile(`(?m)^.*?` + pageRoot + `(\S+?\.md):(\d+)(?::\d+)?: (.*)$`)

// vet compiles and vets the packages in the folders and returns what is wrong on
// their pages.
func (w *workspace) vet(ctx context.Context, dirs []string) ([]Problem, error) {
	vet := func(pattern string) ([]byte, error) {
		// What a fragment's frame has after it may be out of reach.
		return w.command(ctx, w.dir, "go", "vet", "-unreachable=false", pattern).CombinedOutput()
	}
	if _, err := vet("./..."); err == nil {
		return nil, nil
	}
	// One by one, for a package that cannot be loaded hides the others' mistakes.
	var problems []Problem
	for _, dir := range dirs {
		out, err := vet("./" + dir)
		found := pageProblems(out)
		if err != nil && len(found) == 0 {
			return nil, fmt.Errorf("go vet: %w\n%s", err, out)
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

func pageProblems(output []byte) (problems []Problem) {
	for _, m := range pagePosition.FindAllSubmatch(output, -1) {
		line, _ := strconv.Atoi(string(m[2]))
		problems = append(problems, Problem{string(m[1]), line, string(m[3])})
	}
	return problems
}

// withStderr adds what a failed command wrote to its standard error.
func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	return err
}
