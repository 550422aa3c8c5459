package hostredis

import (
	"fmt"
	"hash/fnv"
)

// buckets is the number of hashes that have the records. It is part of the layout: all members of a
// table have the same one.
const buckets = 256

// keys are those of a table. They have one hash tag, so Redis Cluster keeps them on one node.
type keys struct {
	meta, log string
	buckets   [buckets]string
}

func keysOf(namespace string) keys {
	tag := "{" + namespace + "}"
	k := keys{meta: tag + ":m", log: tag + ":f"}
	for i := range k.buckets {
		k.buckets[i] = fmt.Sprintf("%s:h:%d", tag, i)
	}
	return k
}

// some returns the keys for a script that uses n buckets from a number on.
func (k *keys) some(first, n int) []string {
	return append([]string{k.meta, k.log}, k.buckets[first:first+n]...)
}

// bucketOf returns the number of the bucket of a key.
func bucketOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	sum := h.Sum32()
	return int((sum ^ sum>>8 ^ sum>>16) % buckets)
}
