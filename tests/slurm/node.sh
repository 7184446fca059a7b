#!/bin/sh
# One node, inside its own namespaces: names, hosts file and network, then slurmd.
# Process 1 here: when it ends, the kernel ends all that runs on the node.
# usage: node.sh FOLDER NAME HOST ADDRESS FREEZER
set -eu
folder=$1 name=$2 host=$3 address=$4 freezer=$5

mount --make-rprivate /
hostname "$host"
mount --bind "$folder/hosts" /etc/hosts
# There is no name server in the node's network.
[ ! -e /etc/nsswitch.conf ] || mount --bind "$folder/nsswitch.conf" /etc/nsswitch.conf
if [ -n "$freezer" ]; then # the node sees its own part of the machine's freezer
    mkdir -p "$freezer/$(basename "$folder")/$name"
    mount --bind "$freezer/$(basename "$folder")/$name" "$freezer"
fi

tries=0
until ip link show eth0 >/dev/null 2>&1; do # the other end is put in from outside
    tries=$((tries + 1))
    [ $tries -lt 400 ] || { echo "no network came"; exit 1; }
    sleep 0.05
done
ip link set lo up
ip addr add "$address/24" dev eth0
ip link set eth0 up

slurmd -D -N "$name" &
wait
# slurmd has ended; what it started lives on, as on a real node.
while :; do sleep 3600; done
