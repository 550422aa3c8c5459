package index

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two ids with one hash, of which there will hardly ever be any, are told apart all the same, also
// after their bucket has been rebuilt, split and merged.
func TestCollidingHostsAreToldApart(t *testing.T) {
	x := New(valuesOf[string](), false)
	h := x.Hash("younger")
	insertAt(x, h, "older", 1, everySecond, 0)
	insertAt(x, h, "younger", 2, everySecond, 0)
	contact := int64(0)
	check := func() {
		t.Helper()
		_, ok := x.Touch(h, 0, second)
		require.False(t, ok, "the fast path touches neither")
		e, ok := x.Find(h)
		require.True(t, ok)
		require.True(t, e.Collides())
		younger, ok := x.Lookup(h, "younger")
		require.True(t, ok)
		older, ok := x.Lookup(h, "older")
		require.True(t, ok)
		contact++
		younger.Touch(contact)
		require.Equal(t, contact, ContactOf(younger.Word()))
		require.Zero(t, ContactOf(older.Word()))
		require.Equal(t, uint64(2), younger.Registration())
		require.Equal(t, uint64(1), older.Registration())
	}
	check()
	for i := range 5000 {
		insert(x, fmt.Sprint(i), uint64(i+3), everySecond, 0)
	}
	check()
	for i := range 5000 {
		endID(t, x, fmt.Sprint(i))
	}
	check()
	younger, _ := x.Lookup(h, "younger")
	end(x, younger)
	_, ok := x.Touch(h, 0, second)
	require.False(t, ok, "the older one does not answer for it")
	_, ok = x.Lookup(h, "younger")
	require.False(t, ok)
}

// Many ids may share one hash, and even a long series of them is found.
func TestManyCollidingHosts(t *testing.T) {
	x := New(valuesOf[string](), false)
	const h = Hash(1<<63 | 12345)
	for i := range 50 {
		insertAt(x, h, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	for i := range 50 {
		e, ok := x.Lookup(h, fmt.Sprint(i))
		require.True(t, ok)
		require.Equal(t, uint64(i), e.Registration())
	}
	require.Equal(t, 50, evictDue(x, 3*second))
	require.Zero(t, x.Len())
}

// Two registrations of one id have one hash, too, but do not collide: heartbeats keep the fast
// path.
func TestAReplacementDoesNotCollide(t *testing.T) {
	x := New(valuesOf[string](), false)
	const h = Hash(1) // of the first slot, so that no search wraps
	var old Entry
	for i := range uint64(100) {
		e := insertAt(x, h, "a", i+1, everySecond, 0)
		if old.bucket != nil {
			old, _ = x.Find(h) // it may have moved
			old.End()
			x.Remove(old)
		}
		require.False(t, e.Collides())
		header, ok := x.Touch(h, i+1001, int64(i))
		require.True(t, ok)
		require.Equal(t, i+1, header.Registration)
		old = e
	}
}
