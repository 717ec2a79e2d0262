package verdict

// elasticsearch is Elasticsearch, by go-elasticsearch. Its esapi gives statuses as
// responses, without an error; the typed API as errors.
var elasticsearch = client{
	types: map[string]func(error) Meaning{
		elasticError: func(err error) Meaning { return ofHTTPStatus(int(number(err, "Status"))) },
	},
	texts: map[string]Meaning{
		"elastictransport is closed": refused,
		"the client noticed that the server is not Elasticsearch and we do not support this unknown product": hopeless,
	},
	names: map[string]func(error) bool{
		"elasticsearch.NotFound":        func(err error) bool { return isType(err, elasticError) && number(err, "Status") == 404 },
		"elasticsearch.Conflict":        func(err error) bool { return isType(err, elasticError) && number(err, "Status") == 409 },
		"elasticsearch.TooManyRequests": func(err error) bool { return isType(err, elasticError) && number(err, "Status") == 429 },
	},
}

const elasticError = "github.com/elastic/go-elasticsearch/typedapi/types.ElasticsearchError"
