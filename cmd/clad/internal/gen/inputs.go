package gen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// errUntold is of a run whose inputs can't be told without the go command.
var errUntold = errors.New("what it depends on can't be told")

// inputs is a sum over all that the result of a run depends on: what is asked for,
// clad gen itself, the go command and its settings, and every Go file of the modules
// that are not in the module cache, whose content their versions say.
func (o *Options) inputs(ctx context.Context) (string, error) {
	sum, _, err := o.sum(ctx, addFile)
	return sum, err
}

// shape is a sum over what the go command looks at to answer queries, and lists the
// folders with the source that may change: of a Go file it reads no more than the
// head.
func (o *Options) shape(ctx context.Context) (sum string, trees []string, err error) {
	return o.sum(ctx, addHead)
}

// sum is over what is asked for, the tools, and what add says of each file.
func (o *Options) sum(ctx context.Context, add func(sum hash.Hash, name string) error) (string, []string, error) {
	sum := sha256.New()
	asked, err := o.asked()
	if err != nil {
		return "", nil, err
	}
	fmt.Fprintln(sum, asked)
	if err := addTools(ctx, sum, o.Dir); err != nil {
		return "", nil, err
	}
	trees, err := sourceTrees(o.Dir, sum)
	if err != nil {
		return "", nil, err
	}
	for _, tree := range trees {
		if err := addTree(sum, tree, add); err != nil {
			return "", nil, err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), trees, nil
}

// asked is what a run is asked for, and where.
func (o *Options) asked() (string, error) {
	dir, err := filepath.Abs(o.Dir)
	return fmt.Sprintf("%q", []any{dir, o.Patterns, o.Types, o.Output, o.Tags}), err
}

// addTools adds this program, the go command and what both are told by the environment.
func addTools(ctx context.Context, sum hash.Hash, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	for _, program := range []string{self, tool} { // reading them would take longer than all else
		info, err := os.Stat(program)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %d %v\n", program, info.Size(), info.ModTime().UnixNano())
	}
	version, err := goVersion(ctx, tool, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q\n", version)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "GO") && !strings.HasPrefix(v, "CGO_") })
	slices.Sort(env)
	file, err := goEnvFile()
	if err != nil {
		return err
	}
	settings := slices.Concat(env, strings.Split(file, "\n"))
	fmt.Fprintf(sum, "%q\n", settings)
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		elsewhere := name == "GOPACKAGESDRIVER" && value != "" && value != "off" ||
			name == "GOFLAGS" && (strings.Contains(value, "-overlay") || strings.Contains(value, "-modfile") || strings.Contains(value, "-toolexec"))
		if elsewhere {
			return errUntold
		}
	}
	return nil
}

// goVersion tells which Go a go command is of. One that is not beside the rest of it
// may be a script that chooses by folder, and is asked.
func goVersion(ctx context.Context, tool, dir string) ([]byte, error) {
	if real, err := filepath.EvalSymlinks(tool); err == nil {
		if version, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "VERSION")); err == nil {
			return version, nil
		}
	}
	cmd := exec.CommandContext(ctx, tool, "env", "GOVERSION")
	cmd.Dir = dir
	return cmd.Output()
}

// goEnvFile is what go env -w has written.
func goEnvFile() (string, error) {
	name := os.Getenv("GOENV")
	if name == "off" {
		return "", nil
	}
	if name == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return "", nil //nolint:nilerr // the go command has none either
		}
		name = filepath.Join(dir, "go", "env")
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// sourceTrees lists the folders of the modules whose source may change: those of
// the workspace, or the one around dir, and those that replace others.
func sourceTrees(dir string, sum hash.Hash) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	mains, err := workspace(dir, sum)
	if err != nil {
		return nil, err
	}
	if mains == nil {
		mod, ok := above(dir, "go.mod")
		if !ok {
			return nil, errUntold
		}
		mains = []string{filepath.Dir(mod)}
	}
	trees := slices.Clone(mains)
	for _, main := range mains {
		name := filepath.Join(main, "go.mod")
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a folder of dependencies
		}
		if err != nil {
			return nil, err
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			return nil, err
		}
		trees = append(trees, replacements(main, mod.Replace)...)
	}
	for i, tree := range trees {
		if trees[i], err = filepath.EvalSymlinks(tree); err != nil {
			return nil, err
		}
	}
	slices.Sort(trees)
	return slices.Compact(trees), nil
}

// workspace lists the modules of the go.work file that counts in dir, and those that
// replace others in it; nil if there is none.
func workspace(dir string, sum hash.Hash) ([]string, error) {
	name, ok := os.LookupEnv("GOWORK")
	if name == "off" {
		return nil, nil
	}
	if !ok || name == "" {
		if name, ok = above(dir, "go.work"); !ok {
			return nil, nil
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(sum, "%q\n", text)
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return nil, err
	}
	base := filepath.Dir(name)
	var dirs []string
	for _, use := range work.Use {
		dirs = append(dirs, at(base, use.Path))
	}
	if vendor := filepath.Join(base, "vendor"); isDir(vendor) {
		dirs = append(dirs, vendor)
	}
	return append(dirs, replacements(base, work.Replace)...), nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func replacements(base string, replaces []*modfile.Replace) []string {
	var dirs []string
	for _, r := range replaces {
		if r.New.Version == "" {
			dirs = append(dirs, at(base, r.New.Path))
		}
	}
	return dirs
}

func at(base, path string) string {
	if path = filepath.FromSlash(path); filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// above finds a file in dir or above it.
func above(dir, name string) (string, bool) {
	for {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// addTree adds the Go files of a module, and what says which versions it requires.
func addTree(sum hash.Hash, root string, add func(sum hash.Hash, name string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path == root {
				return nil
			}
			if strings.HasPrefix(name, ".") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				fmt.Fprintf(sum, "%q is another module\n", path)
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) == ".go" || slices.Contains([]string{"go.mod", "go.sum", "go.work.sum", "modules.txt"}, name) {
			return add(sum, path)
		}
		return nil
	})
}

// addFile adds a file.
func addFile(sum hash.Hash, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if bytes.Contains(text, []byte(`"C"`)) {
		if _, usesC := head(name, text); usesC {
			return errUntold // but by a C compiler and its headers
		}
	}
	add(sum, name, text)
	return nil
}

// addHead adds what the go command reads of a file to list packages.
func addHead(sum hash.Hash, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, usesC := head(name, text)
	if usesC {
		return errUntold
	}
	add(sum, name, text)
	return nil
}

func add(sum hash.Hash, name string, text []byte) {
	own := sha256.Sum256(text)
	fmt.Fprintf(sum, "%q %x\n", name, own)
}

// head is what stands in a Go file down to its imports, but for what is comment to
// the go command too, and whether C is among them. It is all of the file where that
// has files embedded, or is broken.
func head(name string, text []byte) (head []byte, usesC bool) {
	if filepath.Ext(name) != ".go" {
		return text, false
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ImportsOnly)
	vendored := strings.Contains(filepath.ToSlash(name), "/vendor/") // is compiled, as all dependencies, and not read
	if err != nil {
		return text, !vendored && bytes.Contains(text, []byte(`"C"`))
	}
	end := f.Name.End()
	for _, i := range f.Imports {
		end = max(end, i.End())
		usesC = usesC || i.Path.Value == `"C"` && !vendored
	}
	if slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"embed"` }) {
		return text, usesC
	}
	file := fset.File(end)
	return append(heeded(text[:file.Offset(f.Package)]), text[file.Offset(f.Package):file.Offset(end)]...), usesC
}

// heeded are the lines of a comment that say something to the go command.
func heeded(comment []byte) (lines []byte) {
	for line := range bytes.Lines(comment) {
		if line := bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("//go:")) || bytes.Contains(line, []byte("+build")) {
			lines = append(append(lines, line...), '\n')
		}
	}
	return lines
}
