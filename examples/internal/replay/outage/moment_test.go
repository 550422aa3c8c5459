package outage_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// All forms of a time that the help names, and some that it does not.
func TestMoments(t *testing.T) {
	const want = 1_126_256_461 // 2005-09-09T09:01:01Z
	for text, off := range map[string]time.Duration{
		"1126256461": 0, "1126256461.5": 500 * time.Millisecond, "1.126256461e9": 0,
		"1126256461000": 0, "1126256461500": 500 * time.Millisecond,
		"2005-09-09T09:01:01Z": 0, "2005-09-09T09:01:01": 0, "2005-09-09 09:01:01": 0, "2005-09-09t09:01:01z": 0,
		"2005-09-09 09:01:01.500": 500 * time.Millisecond, `"2005-09-09 09:01:01,500"`: 500 * time.Millisecond,
		"2005-09-09 11:01:01+02:00": 0, "2005-09-09T11:01:01+0200": 0, "2005-09-09 11:01:01 +02": 0,
		"2005-09-09 11:01:01.250 +0200": 250 * time.Millisecond, "2005-09-09 09:01:01 UTC": 0, "2005/09/09 09:01:01 GMT": 0,
		"2005-09-09 09:01": -time.Second, "2005-09-09T11:01+02:00": -time.Second,
	} {
		trace := read(t, "csv", []byte("a,"+text+",2005-09-09T10:00:00Z\n"))
		require.Empty(t, trace.Notes.Named(), text)
		require.Equal(t, time.Unix(want, int64(off)).UTC(), trace.Start, text)
	}
	for _, text := range []string{"2005-09-09", "09:01:01", "9.9.2005 09:01", "2005-09-09 09:01:01 CEST", "2005-13-09 09:01", "2005-09-09 09:01:01 +2"} {
		require.Equal(t, notes{"malformed": 1}, read(t, "csv", []byte("a,"+text+",\n")).Notes.Named(), text)
	}
	for _, text := range []string{"99999999999", "4102444800001", "9223372036854775807"} {
		require.Equal(t, notes{"absurd_time": 1}, read(t, "csv", []byte("a,"+text+",\n")).Notes.Named(), text)
	}
}
