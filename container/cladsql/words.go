package cladsql

import "strings"

func set(words string) map[string]bool {
	s := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		s[word] = true
	}
	return s
}

var (
	// readers begin a statement that may be a read.
	readers = set("select with values table show describe desc explain")

	// writers anywhere in a statement make it more than a read.
	writers = set(`insert update delete merge into call create alter drop truncate
		execute declare refresh copy grant revoke lock do`)

	// callable is what may stand before a parenthesis: words of the language,
	// types with a length, and functions that change nothing.
	callable = set(`
		select distinct all from join on using where and or not in exists any some
		having by over filter within group order union except intersect values as
		materialized when then else case between like ilike similar is limit offset
		lateral array row cast with recursive interval returning
		decimal numeric dec char character varchar varying nchar nvarchar bit binary
		varbinary float time timestamp timestamptz timetz datetime

		count sum avg min max total stddev stddev_pop stddev_samp variance var_pop
		var_samp every bool_and bool_or bit_and bit_or group_concat string_agg
		array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg json_arrayagg
		json_objectagg json_group_array json_group_object percentile_cont
		percentile_disc mode any_value
		row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value
		last_value nth_value

		coalesce nullif ifnull isnull nvl iif if greatest least convert typeof pg_typeof
		abs ceil ceiling floor round trunc sign sqrt power pow exp ln log log2
		log10 mod div pi sin cos tan asin acos atan atan2 degrees radians rand random
		width_bucket
		lower upper initcap length char_length character_length octet_length bit_length
		substr substring left right trim ltrim rtrim btrim replace concat concat_ws
		position instr locate strpos lpad rpad repeat reverse split_part
		substring_index translate overlay ascii unicode chr format printf quote
		quote_ident quote_literal regexp_replace regexp_match regexp_matches
		regexp_like regexp_substr starts_with soundex hex unhex encode decode md5 sha1
		sha2 sha256 to_base64 from_base64 uuid gen_random_uuid
		now current_date current_time current_timestamp localtime localtimestamp
		clock_timestamp statement_timestamp transaction_timestamp sysdate curdate
		curtime utc_date utc_time utc_timestamp date date_add date_sub date_diff
		datediff timediff timestampdiff timestampadd date_format date_part date_trunc
		date_bin extract age adddate addtime subdate subtime year quarter month week
		weekday day dayname dayofmonth dayofweek dayofyear hour minute second
		last_day makedate maketime make_date make_timestamp to_char to_date to_days
		to_number to_timestamp unix_timestamp from_unixtime str_to_date strftime
		julianday unixepoch
		json jsonb json_extract json_value json_query json_unquote json_contains
		json_exists json_valid json_type json_typeof jsonb_typeof json_keys
		json_length json_array json_object json_array_length jsonb_array_length
		json_each json_each_text json_tree json_table jsonb_each jsonb_each_text
		json_array_elements jsonb_array_elements jsonb_array_elements_text
		json_build_object jsonb_build_object json_build_array jsonb_build_array
		jsonb_path_exists jsonb_path_query to_json to_jsonb row_to_json array_to_json
		jsonb_set json_set
		unnest generate_series array_length array_position array_to_string
		string_to_array cardinality array_append array_cat array_remove
		to_tsvector to_tsquery plainto_tsquery websearch_to_tsquery ts_rank match against
		version database schema current_schema current_database current_user user
		found_rows last_insert_rowid inet_aton inet_ntoa`)
)
