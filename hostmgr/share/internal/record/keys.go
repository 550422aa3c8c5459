package record

import (
	"strconv"
	"strings"
)

// A Kind says what a key names.
type Kind uint8

// The kinds of records. KindOther is a key of none of them.
const (
	KindOther Kind = iota
	KindMember
	KindHost
	KindGone
)

const (
	memberPrefix = "m/"
	hostPrefix   = "h/"
	gonePrefix   = "gone/"

	maxName = 1 << 10 // bytes of the id of a host
)

// A Key is a parsed key.
type Key struct {
	Kind         Kind
	ID           string // of the member or the host
	Registration uint64 // of a gone record
}

// MemberKey returns the key of a member.
func MemberKey(id string) string { return memberPrefix + id }

// HostKey returns the key of a host. Its id may have any bytes.
func HostKey(id string) string { return hostPrefix + id }

// GoneKey returns the key of a departure.
func GoneKey(id string, registration uint64) string {
	return gonePrefix + id + "/" + strconv.FormatUint(registration, 10)
}

// ParseKey is the inverse of the functions above. Each other key is of KindOther.
func ParseKey(key string) Key {
	if id, ok := strings.CutPrefix(key, hostPrefix); ok && isName(id, maxName) {
		return Key{Kind: KindHost, ID: id}
	}
	if id, ok := strings.CutPrefix(key, memberPrefix); ok && isName(id, maxMember) {
		return Key{Kind: KindMember, ID: id}
	}
	if rest, ok := strings.CutPrefix(key, gonePrefix); ok {
		return parseGone(rest)
	}
	return Key{}
}

// parseGone parses HOST/REGISTRATION. The number is in the form that GoneKey writes, so that no two
// keys name one departure.
func parseGone(rest string) Key {
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 || !isName(rest[:slash], maxName) {
		return Key{}
	}
	number := rest[slash+1:]
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != number {
		return Key{}
	}
	return Key{KindGone, rest[:slash], n}
}

func isName(id string, most int) bool { return id != "" && len(id) <= most }
