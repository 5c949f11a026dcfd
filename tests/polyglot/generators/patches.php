<?php
// What generated types send: each body of patches.json, made with the constructor, has the members that were given.
// The arguments: the folder of the generated code, and patches.json.

use OpenAPI\Client\Model\ThirdPartyApplicationPatchRequest;
use OpenAPI\Client\ObjectSerializer;

error_reporting(E_ALL);
[, $code, $file] = $argv;
spl_autoload_register(function (string $class) use ($code): void {
    $path = $code . '/lib/' . strtr(substr($class, strlen('OpenAPI\\Client\\')), '\\', '/') . '.php';
    if (is_file($path)) {
        require $path;
    }
});

function same(object $typed, object $body, string $schema): void
{
    $sent = json_encode(ObjectSerializer::sanitizeForSerialization($typed));
    if (json_decode($sent) != $body) {
        fwrite(STDERR, "$schema sends $sent instead of " . json_encode($body) . "\n");
        exit(1);
    }
}

$patches = json_decode(file_get_contents($file));
foreach ($patches as $patch) {
    $type = 'OpenAPI\\Client\\Model\\' . $patch->schema;
    $properties = array_flip($type::attributeMap());
    $given = [];
    foreach (json_decode(json_encode($patch->body), true) as $name => $value) {
        $given[$properties[$name]] = $value;
    }
    same(new $type($given), $patch->body, $patch->schema);
}
$patch = (new ThirdPartyApplicationPatchRequest())->setId('TPA1')->setName('New name');
same($patch, $patches[0]->body, 'ThirdPartyApplicationPatchRequest');
echo 'php: ' . count($patches) . " bodies hold what was set, and no more\n";
