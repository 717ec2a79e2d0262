package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const interfaces = 30

// A module has 30 interfaces of 6 methods in one package, and tags constructors of
// all of them in another.
type module struct {
	dir    string
	edited bool // one of them has a method more
}

const (
	methods = `
	Find(ctx context.Context, id string) (*Item, error)
	List(ctx context.Context, after time.Time, limit int) ([]Item, error)
	Save(ctx context.Context, item *Item) error
	Remove(ctx context.Context, ids ...string) (int, error)
	Watch(ctx context.Context, id string) (<-chan Item, error)
	Count(ctx context.Context) (map[string]int, error)
`
	extraMethod = "Reindex"

	mockeryConfig = `all: true
dir: '{{.InterfaceDir}}'
filename: mockery_test.go
pkgname: services
structname: 'Mock{{.InterfaceName}}'
template: testify
force-file-write: true
packages:
  example.com/app/services:
`
)

func interfaceNames() []string {
	names := make([]string, interfaces)
	for i := range names {
		names[i] = fmt.Sprintf("Service%02d", i)
	}
	return names
}

func methodNames() []string { return []string{"Find", "List", "Save", "Remove", "Watch", "Count"} }

// write makes the module, with the requirements of the example.
func (m *module) write(repository string) error {
	example := filepath.Join(repository, "examples", "app")
	mod, err := os.ReadFile(filepath.Join(example, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(example, "go.sum"))
	if err != nil {
		return err
	}
	files := map[string]string{
		"go.mod": strings.NewReplacer("module github.com/cladgo/clad/examples/app", "module example.com/app",
			"=> ../..", "=> "+repository).Replace(string(mod)),
		"go.sum":           string(sum),
		".mockery.yml":     mockeryConfig,
		"wiring/wiring.go": wiring(),
	}
	for name, text := range files {
		if err := m.file(name, text); err != nil {
			return err
		}
	}
	return m.services()
}

// edit gives one interface a method more, or takes it away again.
func (m *module) edit() error {
	m.edited = !m.edited
	return m.services()
}

func (m *module) services() error {
	var b strings.Builder
	b.WriteString("package services\n\nimport (\n\t\"context\"\n\t\"time\"\n)\n\ntype Item struct {\n\tID string\n\tAt time.Time\n}\n")
	for i, name := range interfaceNames() {
		more := ""
		if m.edited && i == interfaces-1 {
			more = "\t" + extraMethod + "(ctx context.Context) error\n"
		}
		fmt.Fprintf(&b, "\ntype %s interface {%s%s}\n", name, methods, more)
	}
	return m.file("services/services.go", b.String())
}

func wiring() string {
	var b strings.Builder
	b.WriteString("package wiring\n\nimport (\n\t\"example.com/app/services\"\n\n\t\"github.com/cladgo/clad/container\"\n\t\"go.uber.org/fx\"\n)\n\nvar Module = fx.Provide(\n")
	for _, name := range interfaceNames() {
		fmt.Fprintf(&b, "\tcontainer.Tag(func() services.%s { return nil }, \"external\"),\n", name)
	}
	b.WriteString(")\n")
	return b.String()
}

func (m *module) file(name, text string) error {
	name = filepath.Join(m.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
