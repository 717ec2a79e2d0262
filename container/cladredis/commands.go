package cladredis

import (
	"strings"

	"github.com/redis/go-redis/v9"
)

// repeatable reports whether it comes to the same, for the server and for the
// caller, when cmd is executed twice.
func repeatable(cmd redis.Cmder) bool {
	switch name := cmd.Name(); name {
	case "set":
		return !conditional(cmd.Args())
	case "expire", "pexpire", "expireat", "pexpireat":
		return len(cmd.Args()) <= 3 // no NX, XX, GT, LT
	case "bitfield", "georadius", "georadiusbymember", "sort":
		return false // they may write
	default:
		return repeatableCommands[name]
	}
}

// repeatableAll reports that of commands that are sent together.
func repeatableAll(cmds []redis.Cmder) bool {
	for _, cmd := range cmds {
		switch name := cmd.Name(); name {
		case "multi", "exec", "asking":
		default:
			if !repeatable(cmd) {
				return false
			}
		}
	}
	return true
}

// conditional reports whether a SET depends on what is there, or returns it.
func conditional(args []any) bool {
	for _, arg := range args[min(3, len(args)):] {
		option, ok := arg.(string)
		if !ok {
			continue
		}
		switch strings.ToLower(option) {
		case "nx", "xx", "get", "ifeq", "ifne", "ifdeq", "ifdne":
			return true
		}
	}
	return false
}

// repeatableCommands are those that read, and those that write the same each time
// and say the same of it. DEL is none: the second time it says that there was
// nothing to delete.
var repeatableCommands = setOf(`
	get mget getrange strlen substr exists type ttl pttl expiretime pexpiretime dump keys randomkey scan
	bitcount bitpos getbit bitfield_ro lcs object
	hget hmget hgetall hkeys hvals hlen hexists hstrlen hscan hrandfield httl hpttl hexpiretime hpexpiretime
	lrange llen lindex lpos
	smembers sismember smismember scard srandmember sscan sinter sunion sdiff sintercard
	zrange zrangebyscore zrangebylex zrevrange zrevrangebyscore zrevrangebylex zcard zcount zlexcount
	zscore zmscore zrank zrevrank zscan zrandmember zinter zunion zdiff zintercard
	xrange xrevrange xlen xinfo xpending
	geopos geodist geohash geosearch georadius_ro georadiusbymember_ro
	pfcount sort_ro eval_ro evalsha_ro fcall_ro
	ping echo time dbsize info memory role lastsave command
	json.get json.mget json.type json.strlen json.objkeys json.objlen json.arrlen json.arrindex
	ft.search ft.aggregate ft.info ft.explain ft._list ts.get ts.mget ts.range ts.revrange ts.mrange ts.info
	bf.exists bf.mexists bf.info cf.exists cf.info cms.query cms.info topk.query topk.list tdigest.quantile
	mset setex psetex lset ltrim hmset select readonly readwrite touch wait
	flushdb flushall script
`)

// otherCommands are those that a profile may name besides.
var otherCommands = setOf(`
	append decr decrby del getdel getex getset incr incrby incrbyfloat msetnx setnx setrange
	bitfield bitop copy expire expireat migrate move persist pexpire pexpireat rename renamenx restore sort unlink
	hdel hexpire hincrby hincrbyfloat hpersist hset hsetnx hgetdel hgetex hsetex
	blmove blmpop blpop brpop brpoplpush linsert lmove lmpop lpop lpush lpushx lrem rpop rpoplpush rpush rpushx
	sadd sdiffstore sinterstore smove spop srem sunionstore
	bzmpop bzpopmax bzpopmin zadd zdiffstore zincrby zinterstore zmpop zpopmax zpopmin zrangestore zrem
	zremrangebylex zremrangebyrank zremrangebyscore zunionstore
	xack xadd xautoclaim xclaim xdel xgroup xread xreadgroup xsetid xtrim
	geoadd georadius georadiusbymember geosearchstore pfadd pfmerge
	eval evalsha fcall function publish spublish pubsub set watch unwatch
	json.set json.del json.merge json.numincrby json.arrappend bf.add bf.madd bf.insert ts.add ts.incrby
`)

// commandNames are the commands as profiles write them, by the names that go-redis
// gives them.
var commandNames = func() map[string]string {
	names := make(map[string]string)
	for _, set := range []map[string]bool{repeatableCommands, otherCommands} {
		for name := range set {
			names[name] = strings.ToUpper(name)
		}
	}
	return names
}()

func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}
