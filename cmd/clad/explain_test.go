package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	testdata := in(t, "internal/explain/testdata")
	t.Setenv("CLAD__POLICIES__DATABASE__RETRY__MAX_ATTEMPTS", "2")
	t.Setenv("DATABASE_PASSWORD", "hunter2")
	for file, args := range map[string]string{
		"production.text":   "explain -profile production",
		"production.json":   "explain -profile production -json",
		"colour.text":       "explain -profile production database -color always",
		"service.text":      "explain -profile production payments.Gateway",
		"method.text":       "explain -profile production payments.Gateway.Refund",
		"other_method.text": "explain -profile production payments.Gateway.Charge",
		"tagged.text":       "explain -profile production ledger.Store -patience 3m",
		"diff.text":         "explain -diff production development",
		"diff.json":         "explain -diff production development -json",
		"diff_policy.text":  "explain -diff production development database",
		"diff_same.text":    "explain production -diff production",
	} {
		t.Run(file, func(t *testing.T) {
			code, out, err := clad(t, append(strings.Fields(args), "-dir", ".")...)
			if code != ok || err != "" {
				t.Errorf("exit code %d, %s", code, err)
			}
			if strings.HasSuffix(file, ".json") && !json.Valid([]byte(out)) {
				t.Error("it is not JSON")
			}
			if strings.Contains(out, "hunter2") {
				t.Error("it shows the value of a variable that is no setting")
			}
			golden(t, filepath.Join(testdata, "explain", file), out)
		})
	}
}

// What a fleet shares, with its bounds and what becomes of it without the store.
func TestExplainFleet(t *testing.T) {
	testdata := in(t, "internal/explain/testdata/fleet")
	for file, args := range map[string]string{"fleet.text": "", "fleet.json": "-json"} {
		code, out, err := clad(t, strings.Fields("explain -profile production -dir . "+args)...)
		if code != ok || err != "" {
			t.Errorf("exit code %d, %s", code, err)
		}
		golden(t, filepath.Join(testdata, "explain", file), out)
	}
}

// With Go packages, the tags and every method of the services are known.
func TestExplainWithCode(t *testing.T) {
	testdata := in(t, "internal/usage/testdata/shop")
	for file, target := range map[string]string{
		"ledger.text":   "store.Ledger",
		"function.text": "store.NewSend",
		"once.text":     "store.Ledger.Append",
		"client.text":   "http.Client",
	} {
		code, out, err := clad(t, "explain", "-profile", "production", target, "./...")
		if code != ok || !strings.Contains(err, "main.go:35:19: container.Tag is handed on") {
			t.Errorf("exit code %d, %s", code, err)
		}
		golden(t, filepath.Join(testdata, "explain", file), out)
	}
}

func TestExplainArguments(t *testing.T) {
	in(t, "testdata/ten")
	sound := " -dir ../../internal/explain/testdata"
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"explain", misuse, "configs"},
		{"explain -dir . -profile production", failed, "production.yaml:3:5: policies.database.retyr"},
		{"explain -profile prodution" + sound, misuse, `there is no profile "prodution" (did you mean "production"?)`},
		{"explain -profile production databse" + sound, misuse, `no service, method or policy "databse" (did you mean "database"?)`},
		{"explain -profile production payments.Gateway.Refnd" + sound, ok, "payments.Gateway"},
		{"explain -profile production ledger.Stoer.Append" + sound, misuse, `did you mean "ledger.Store.Append"?`},
		{"explain -profile production zzz" + sound, misuse, "it has: cache, database"},
		{"explain -profile production database cache" + sound, misuse, "one thing at a time"},
		{"explain -diff production" + sound, misuse, "-diff needs two profiles"},
		{"explain -diff production development -profile production" + sound, misuse, "-diff needs two profiles"},
		{"explain -diff production development nowhere" + sound, misuse, `"nowhere"`},
		{"explain -diff production mail" + sound, misuse, `there is no profile "mail"`},
		{"explain -profile production ./nowhere" + sound, misuse, "nowhere"},
		{"explain -color mauve" + sound, misuse, "auto, always or never"},
		{"explain" + sound, ok, "profile development"},
		{"help explain", ok, "worked out from the inside out"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, err := clad(t, strings.Fields(c.args)...)
			if code != c.code || !strings.Contains(out+err, c.says) {
				t.Errorf("exit code %d, want %d with %q\n%s%s", code, c.code, c.says, out, err)
			}
		})
	}
}

// The profile is chosen as an application chooses it.
func TestExplainProfileOfTheEnvironment(t *testing.T) {
	in(t, "internal/explain/testdata")
	t.Setenv("CLAD_PROFILE", "production")
	if code, out, err := clad(t, "explain", "-dir", ".", "cache"); code != ok || !strings.HasPrefix(out, "profile production\n") {
		t.Errorf("exit code %d\n%s%s", code, out, err)
	}
}
