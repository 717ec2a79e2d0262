package verdict

// memcache is memcached, by gomemcache, which has most errors of the server in a
// text alone.
var memcache = client{
	types: map[string]func(error) Meaning{
		"github.com/bradfitz/gomemcache/memcache.ConnectTimeoutError": always(unmade),
	},
	texts: map[string]Meaning{
		"memcache: cache miss":                         answered,
		"memcache: compare-and-swap conflict":          answered,
		"memcache: item not stored":                    answered,
		"memcache: no statistics available":            answered,
		"memcache: server error":                       failed,
		"memcache: no servers configured or available": refused,
	},
	beginnings: map[string]Meaning{
		"memcache: client error: ":                                                          answered,
		"memcache: corrupt get result read":                                                 failed,
		"memcache: unexpected line in get":                                                  failed,
		"memcache: unexpected response line":                                                failed,
		`memcache: unexpected response line from "set": "SERVER_ERROR object too large`:     answered,
		`memcache: unexpected response line from "add": "SERVER_ERROR object too large`:     answered,
		`memcache: unexpected response line from "replace": "SERVER_ERROR object too large`: answered,
		`memcache: unexpected response line from "cas": "SERVER_ERROR object too large`:     answered,
		// Of writes only, and reads go on.
		`memcache: unexpected response line from "set": "SERVER_ERROR out of memory`:     refused,
		`memcache: unexpected response line from "add": "SERVER_ERROR out of memory`:     refused,
		`memcache: unexpected response line from "replace": "SERVER_ERROR out of memory`: refused,
		`memcache: unexpected response line from "cas": "SERVER_ERROR out of memory`:     refused,
	},
	names: map[string]func(error) bool{
		"memcache.ErrCacheMiss":   isText("memcache: cache miss"),
		"memcache.ErrCASConflict": isText("memcache: compare-and-swap conflict"),
		"memcache.ErrNotStored":   isText("memcache: item not stored"),
	},
}
