package cladsql

import (
	"database/sql/driver"

	"github.com/cladgo/clad/container"
)

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterWrapper(func(next driver.Connector, m container.Methods) driver.Connector {
		return newConnector(next, guards{
			connect: m.Method("Connect"),
			ping:    m.Method("Ping"),
			prepare: m.Method("Prepare"),
			begin:   m.Method("Begin"),
			query:   m.Method("Query"),
			exec:    m.Method("Exec"),
		}, newOptions(nil))
	}, "Connect", "Ping", "Prepare", "Begin", "Query", "Exec")
}
