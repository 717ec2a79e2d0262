// Package adapters knows which of clad's own packages wrap a type better than a proxy
// of it could, as soon as a program imports them.
package adapters

import "go/types"

const container = "github.com/cladgo/clad/container/"

// An Adapter wraps a type.
type Adapter struct {
	Package string // its import path
	// Methods are those that a policy can be chosen for; nil where they are not a
	// list: commands, routes.
	Methods []string

	of     string                      // the name of the package that the type is of
	hedges func(method string) Hedging // nil where nothing is
}

var (
	web   = Adapter{Package: container + "cladhttp", of: "http", hedges: ofHTTP}
	redis = Adapter{Package: container + "cladredis", of: "redis"}
)

var known = map[string]Adapter{
	"net/http.RoundTripper":                        web,
	"*net/http.Client":                             web,
	"database/sql/driver.Connector":                {Package: container + "cladsql", Methods: []string{"Begin", "Connect", "Exec", "Ping", "Prepare", "Query"}, of: "driver"},
	"google.golang.org/grpc.ClientConnInterface":   {Package: container + "cladgrpc", Methods: []string{"Invoke", "NewStream"}, of: "grpc", hedges: ofGRPC},
	"*github.com/redis/go-redis/v9.Client":         redis,
	"*github.com/redis/go-redis/v9.ClusterClient":  redis,
	"*github.com/redis/go-redis/v9.Ring":           redis,
	"github.com/redis/go-redis/v9.UniversalClient": redis,
	"github.com/cladgo/clad/container/cladpgx.DB":  {Package: container + "cladpgx", of: "cladpgx"},
}

// Of returns what wraps a type.
func Of(t types.Type) (Adapter, bool) {
	a, ok := known[types.TypeString(types.Unalias(t), (*types.Package).Path)]
	return a, ok
}
