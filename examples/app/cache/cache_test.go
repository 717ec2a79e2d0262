package cache_test

import (
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
			p, ok, err := m.Get(t.Context(), "1")
			if ok != want || err != nil || ok && p.ID != "1" {
				t.Errorf("got %+v, %v, %v; want %v", p, ok, err, want)
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
	if _, ok, _ := m.Get(t.Context(), "1"); ok {
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
		if _, ok, _ := m.Get(t.Context(), fmt.Sprint(i)); ok {
			kept++
		}
	}
	if _, ok, _ := m.Get(t.Context(), "9"); !ok || kept != 3 {
		t.Errorf("kept %d, the last one: %v", kept, ok)
	}
}
