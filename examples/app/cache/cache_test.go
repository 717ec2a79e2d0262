package cache_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/examples/app/cache"
	"github.com/cladgo/clad/examples/app/payments"
)

func TestEntriesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.New(10, time.Minute)
		has := func(want bool) {
			t.Helper()
			p, err := m.Get(t.Context(), "1")
			if want != (err == nil) || !want && !errors.Is(err, cache.ErrMiss) || want && p.ID != "1" {
				t.Errorf("got %+v, %v; want it: %v", p, err, want)
			}
		}
		has(false)
		if err := m.Put(t.Context(), payments.Payment{ID: "1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		has(true)
		time.Sleep(time.Nanosecond)
		has(false)
	})
}

func TestForget(t *testing.T) {
	m := cache.New(10, time.Minute)
	_ = m.Put(t.Context(), payments.Payment{ID: "1"})
	_ = m.Forget(t.Context(), "1")
	if _, err := m.Get(t.Context(), "1"); !errors.Is(err, cache.ErrMiss) {
		t.Error("it is still there")
	}
}

func TestSizeIsLimited(t *testing.T) {
	m := cache.New(3, time.Minute)
	for i := range 10 {
		_ = m.Put(t.Context(), payments.Payment{ID: fmt.Sprint(i)})
		_ = m.Put(t.Context(), payments.Payment{ID: fmt.Sprint(i)}) // takes no further room
	}
	kept := 0
	for i := range 10 {
		if _, err := m.Get(t.Context(), fmt.Sprint(i)); err == nil {
			kept++
		}
	}
	if _, err := m.Get(t.Context(), "9"); err != nil || kept != 3 {
		t.Errorf("kept %d, the last one: %v", kept, err)
	}
}
