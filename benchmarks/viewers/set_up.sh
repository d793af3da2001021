#!/bin/sh
# set_up.sh FOLDER: what `make viewers` opens results with, on Debian: Orthanc with DICOMweb, Chromium, OHIF's own build, dcmqi. 700 MB.
set -eu
OHIF=3.12.10 PUPPETEER=24.43.1 DCMQI=1.5.7
mkdir -p "$1" && cd "$1"
missing=
for program in Orthanc chromium node npm; do command -v "$program" >/dev/null || missing=yes; done
test -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so || missing=yes
if [ -n "$missing" ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        orthanc orthanc-dicomweb chromium nodejs npm >/dev/null
    service orthanc stop >/dev/null 2>&1 || true
fi
test -d node_modules/puppeteer-core || npm install --silent --no-audit --no-fund --prefix . "puppeteer-core@$PUPPETEER"
if [ ! -e ohif/index.html ]; then
    archive=$(npm pack --silent "@ohif/app@$OHIF")
    mkdir -p ohif && tar xzf "$archive" -C ohif --strip-components=2 package/dist && rm "$archive"
fi
test -x dcmqi/bin/paramap2itkimage || { python3 -m venv dcmqi && dcmqi/bin/pip install --quiet "dcmqi==$DCMQI" SimpleITK; }
touch .installed
