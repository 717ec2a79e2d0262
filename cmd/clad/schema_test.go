package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSchema(t *testing.T) {
	want, err := os.ReadFile("../../configs/profile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if code, out, err := clad(t, "schema"); code != ok || out != string(want) || err != "" {
		t.Errorf("exit code %d, %s\n%s", code, err, out)
	}
	file := filepath.Join(t.TempDir(), "schema.json")
	if code, out, err := clad(t, "schema", "-o", file); code != ok || out+err != "" {
		t.Errorf("exit code %d, %s%s", code, out, err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Errorf("%v, written was\n%s", err, got)
	}

	// The same once more is not written, so that no build starts for nothing.
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, before, before); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := clad(t, "schema", "-o", file); code != ok {
		t.Errorf("exit code %d", code)
	}
	if info, err := os.Stat(file); err != nil || time.Since(info.ModTime()) < time.Minute {
		t.Errorf("it was written again: %v, %v", info.ModTime(), err)
	}
}

func TestSchemaMisused(t *testing.T) {
	code, _, err := clad(t, "schema", "production")
	if code != misuse {
		t.Errorf("exit code %d, %s", code, err)
	}
	code, _, err = clad(t, "schema", "-o", filepath.Join(t.TempDir(), "nowhere", "schema.json"))
	if code != failed || err == "" {
		t.Errorf("exit code %d, %s", code, err)
	}
}
