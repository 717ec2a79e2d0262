// Package cladtest is for tests of what an application does when its dependencies
// misbehave: orchestrators of policies that are written in the test itself, faults
// that are made to order, and assertions on what became of them.
//
//	faults, record := cladtest.NewFaults(t), cladtest.NewRecord(t)
//	o := cladtest.Orchestrator(t, `
//		policies:
//		  bank: {retry: {max_attempts: 3, backoff: {type: fixed, delay: 10s}}}
//	`, faults, record)
//	faults.On("bank").First(2).Fail(errors.New("busy"))
//
// Faults and records are options of an orchestrator, so they reach every service that
// a tagged constructor makes, and the application under test is wired as ever. Nothing
// here is global: tests run in parallel, and inside testing/synctest, where the waits
// of policies and faults take no time. Make everything inside the bubble then.
//
// All is checked: a profile with a mistake, and a fault that no attempt met, fail the
// test that they belong to.
package cladtest

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// Catalog reads a profile that is written in the test. The lines may be indented as
// the code around them is. The environment plays no part. Mistakes end the test.
func Catalog(t testing.TB, profile string) policy.Catalog {
	t.Helper()
	text := dedent(profile)
	p, err := config.Load(fstest.MapFS{"inline.yaml": {Data: []byte(text)}}, "inline", nil)
	if err != nil {
		t.Fatalf("cladtest: the profile is not sound:\n%v\n%s", err, numbered(text))
	}
	return p.Catalog()
}

// Orchestrator returns an orchestrator of a profile that is written in the test, as
// [Catalog] reads it. It is closed when the test ends.
func Orchestrator(t testing.TB, profile string, opts ...container.Option) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(Catalog(t, profile), opts...)
	if err != nil {
		t.Fatalf("cladtest: %v", err)
	}
	t.Cleanup(o.Close)
	return o
}

// Container returns a container, for tagged constructors without Fx, of a profile that
// is written in the test, as [Catalog] reads it.
func Container(t testing.TB, profile string, opts ...container.Option) *container.Container {
	t.Helper()
	c, err := container.New(Catalog(t, profile), opts...)
	if err != nil {
		t.Fatalf("cladtest: %v", err)
	}
	t.Cleanup(c.Orchestrator().Close)
	return c
}

// Module is module.New for a profile that is written in the test, as [Catalog] reads
// it: for fxtest.New. Faults and records go in by module.WithContainer.
func Module(t testing.TB, profile string, opts ...module.Option) fx.Option {
	t.Helper()
	return module.New(append([]module.Option{module.WithCatalog(Catalog(t, profile))}, opts...)...)
}

// dedent takes off what all lines are indented by. YAML would not have tabs.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	common, first := "", true
	for _, line := range lines {
		content := strings.TrimLeft(line, " \t")
		if content == "" {
			continue
		}
		indent := line[:len(line)-len(content)]
		if first {
			common, first = indent, false
		}
		for !strings.HasPrefix(indent, common) {
			common = common[:len(common)-1]
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(line, common), " \t")
	}
	return strings.Join(lines, "\n")
}
