console.log('jobd is not written yet', process.version, process.argv.slice(2))
