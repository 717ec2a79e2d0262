package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/cladgo/clad/examples/app/wiring"
)

// settingsFor opens the listeners. The notes say what is not as it was asked for.
func settingsFor(ctx context.Context, o options, stderr io.Writer) (s wiring.Settings, notes []string, err error) {
	s = wiring.Settings{
		DatabaseURL: o.database,
		BankURL:     o.bankURL,
		Log:         logger(stderr, o.verbose),
	}
	if bank, err := url.Parse(o.bankURL); o.bankURL != "" && (err != nil || bank.Host == "" || !strings.HasPrefix(bank.Scheme, "http")) {
		return s, nil, fmt.Errorf("BANK_URL is %q; want http://host:port", o.bankURL)
	}
	var note string
	if s.API, note, err = listen(ctx, o.api); err != nil {
		return s, nil, err
	}
	notes = append(notes, note)
	if s.BankURL == "" {
		if s.Bank, note, err = listen(ctx, o.bank); err != nil {
			s.API.Close()
			return s, nil, err
		}
		notes = append(notes, note)
		s.BankURL = "http://" + s.Bank.Addr().String()
	}
	return s, notes, nil
}

// listen takes a free port if the address is taken, and says so.
func listen(ctx context.Context, address string) (l net.Listener, note string, err error) {
	var config net.ListenConfig
	l, err = config.Listen(ctx, "tcp", address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, "", err
	}
	l, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	return l, fmt.Sprintf("%s is taken; using %s", address, l.Addr()), nil
}
