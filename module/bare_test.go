package module_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

// What takes the place of a tagged value comes out bare, which was nowhere said.
func TestBareValuesInThePlaceOfTaggedOnesAreSaid(t *testing.T) {
	named := fx.Annotate(failing(0), fx.ResultTags(`name:"second"`))
	grouped := fx.Annotate(newRefund, fx.ResultTags(`group:"all"`))
	app := fx.Provide(container.Tag(failing(0), "p"), container.Tag(named, "p"), container.Tag(grouped, "p"), func() int { return 1 })
	type takes struct {
		fx.In
		Second charge `name:"second"`
	}
	type gives struct {
		fx.Out
		Second charge `name:"second"`
	}
	for _, tt := range []struct {
		name string
		opt  fx.Option
		want []string // nil: nothing is said
	}{
		{"nothing", fx.Options(), nil},
		{"fx.Replace", fx.Replace(charge(nil)), []string{"fx.Replace", "bare_test.go:", "module_test.charge"}},
		{"fx.Replace of a name", fx.Replace(fx.Annotate(charge(nil), fx.ResultTags(`name:"second"`))), []string{"fx.Replace"}},
		{"fx.Replace of another name", fx.Replace(fx.Annotate(charge(nil), fx.ResultTags(`name:"third"`))), nil},
		{"fx.Replace of what is not tagged", fx.Replace(7), nil},
		{"a new value from fx.Decorate", fx.Decorate(func(int) charge { return nil }), []string{"fx.Decorate(module_test.TestBare", "bare_test.go:", "module_test.charge"}},
		{"a new value of a result struct", fx.Decorate(func(int) gives { return gives{} }), []string{"fx.Decorate(module_test.TestBare"}},
		{"a new group", fx.Decorate(fx.Annotate(func() []refund { return nil }, fx.ResultTags(`group:"all"`))), []string{"fx.Decorate(module_test.TestBare", "module_test.refund"}},
		{"what goes around it", fx.Decorate(func(c charge, _ int) charge { return c }), nil},
		{"what goes around a name", fx.Decorate(func(in takes) gives { return gives{Second: in.Second} }), nil},
		{"what goes around another", fx.Decorate(func(c charge) gives { return gives{Second: c} }), []string{"fx.Decorate(module_test.TestBare"}},
		{"in modules", fx.Module("outer", fx.Module("inner", fx.Replace(charge(nil)))), []string{"fx.Replace"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			clad := module.New(module.WithCatalog(retries("p")), module.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			said := map[string]string{}
			if err := module.Validate(clad, app, tt.opt); err != nil {
				said["Validate"] = err.Error()
			}
			if log.Len() > 0 {
				t.Errorf("Validate logs:\n%s", &log)
			}
			if err := fx.New(fx.NopLogger, clad, app, tt.opt).Err(); err != nil {
				t.Fatal(err)
			}
			said["startup"] = log.String()
			if tt.want == nil && (said["Validate"] != "" || strings.Contains(said["startup"], "bare")) {
				t.Errorf("it says %q", said)
			}
			for by, said := range said {
				for _, want := range tt.want {
					if !strings.Contains(said, want) {
						t.Errorf("%s does not say %q:\n%s", by, want, said)
					}
				}
			}
			if tt.want != nil && len(said) != 2 {
				t.Errorf("not both say it: %q", said)
			}
		})
	}
}
